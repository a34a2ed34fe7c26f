//! Operations without a kernel of their own: a function of whole images.

use std::sync::Arc;

use super::{
    Place,
    program::{Context, Step},
};

/// What an image's values become, each without anything between its numbers.
pub type Function = Arc<dyn Fn(&[&[f32]], &mut [f32]) + Send + Sync>;

/// A function of whole images, each computed by one thread.
pub struct Plain {
    from: Vec<Place>,
    to: Place,
    function: Function,
}

impl Plain {
    /// The most values that such an operation reads.
    pub const MOST: usize = 64;

    /// A function of what an image's values are, each without anything between its numbers.
    ///
    /// # Panics
    /// If there is anything between the numbers of a value, or there are more than [`Plain::MOST`].
    pub fn new(from: Vec<Place>, to: Place, function: Function) -> Self {
        assert!(from.len() <= Self::MOST, "no more values than are read");
        for place in from.iter().chain([&to]) {
            place.check();
            assert!(place.is_tight(), "numbers one behind the other");
        }
        Self { from, to, function }
    }
}

impl Step for Plain {
    fn reads(&self) -> Vec<Place> {
        self.from.clone()
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        for image in context.member.share(context.images) {
            let at = |place: &Place| context.arena.wrapping_add(place.at + image * place.image);
            let mut values: [&[f32]; Self::MOST] = [&[]; Self::MOST];
            for (value, place) in values.iter_mut().zip(&self.from) {
                // SAFETY: it lies in the arena, and nobody writes there.
                *value = unsafe { std::slice::from_raw_parts(at(place), place.image) };
            }
            // SAFETY: it lies in the arena, and nobody else reads or writes there.
            let to = unsafe { std::slice::from_raw_parts_mut(at(&self.to), self.to.image) };
            (self.function)(&values[..self.from.len()], to);
        }
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a function of {} values", self.from.len())
    }
}
