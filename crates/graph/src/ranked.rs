//! A short list that is copied like a number.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The most dimensions that a value has.
pub const MOST_DIMENSIONS: usize = 6;

/// A list of at most six entries: one for each dimension of a value, or some of its dimensions.
/// In JSON it is a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ranked<T> {
    len: u8,
    items: [T; MOST_DIMENSIONS],
}

impl<T: Copy + Default> Ranked<T> {
    /// The list of these entries; none where there are more than six.
    pub fn new(items: &[T]) -> Option<Self> {
        let mut all = [T::default(); MOST_DIMENSIONS];
        all.get_mut(..items.len())?.copy_from_slice(items);
        Some(Self { len: items.len() as u8, items: all })
    }
}

impl<T> Deref for Ranked<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }
}

impl<T: fmt::Debug> fmt::Debug for Ranked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Serialize> Serialize for Ranked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Copy + Default + Deserialize<'de>> Deserialize<'de> for Ranked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::deserialize(deserializer)?;
        Self::new(&items).ok_or_else(|| {
            D::Error::custom(format!("expected at most {MOST_DIMENSIONS} dimensions, found {}", items.len()))
        })
    }
}
