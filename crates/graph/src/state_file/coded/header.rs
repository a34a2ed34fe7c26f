//! Which tensors there are.

use sapwood_codec::{Coded, Coder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{WHAT, piece, wrong};
use crate::{Bits, DType, Error, ParamPath, canonical_json};

/// What stands in front of the values.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// What the weights belong to, with what must be said of tensors with scales.
    pub(super) metadata: Value,
    /// The tensors, those together that are coded together.
    pub(super) pieces: Vec<Vec<Entry>>,
}

/// A tensor: what it is called, the type of its values, its shape and how its mask is said.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry(pub(super) ParamPath, pub(super) DType, pub(super) Vec<usize>, pub(super) Mask);

/// Which weights of a tensor are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub(super) enum Mask {
    /// It has no mask.
    None,
    /// Those that are not zero.
    Nonzero,
    /// Those, and others that a piece of its own names.
    Beyond,
}

impl Mask {
    /// How this mask is said.
    pub(super) fn of(mask: Option<&Bits>, nonzero: impl Fn() -> Bits) -> Self {
        match mask {
            None => Self::None,
            Some(mask) if *mask == nonzero() => Self::Nonzero,
            Some(_) => Self::Beyond,
        }
    }
}

impl From<Mask> for u8 {
    fn from(mask: Mask) -> Self {
        mask as Self
    }
}

impl TryFrom<u8> for Mask {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Nonzero),
            2 => Ok(Self::Beyond),
            _ => Err(format!("there is no mask {number}")),
        }
    }
}

impl Entry {
    /// How many values it has, where that is a number.
    fn values(&self) -> Option<usize> {
        self.2.iter().try_fold(1usize, |size, side| size.checked_mul(*side))
    }

    /// How many values are coded: those of 64 bits in two halves.
    pub(super) fn coded_values(&self) -> usize {
        self.values().unwrap_or(0) * if self.1.bits() == 64 { 2 } else { 1 }
    }

    /// Whether others share its piece.
    pub(super) fn is_small(&self) -> bool {
        self.3 == Mask::None
            && !self.1.is_packed()
            && self.values().is_some_and(|values| values < super::SMALL)
    }
}

impl Header {
    pub(super) fn code(&self) -> Result<Coded, Error> {
        let json = serde_json::to_value(self).map_err(|error| Error::format_of(WHAT, error))?;
        let text: Vec<i8> = canonical_json(&json).bytes().map(|byte| byte as i8).collect();
        Coder::rows(1).encode(&text).map_err(|error| Error::format_of(WHAT, error))
    }

    /// Reads it off the front of a file of this number of bytes.
    pub(super) fn read(rest: &mut &[u8], file: usize) -> Result<Self, Error> {
        let of_header = |error| Error::format_of(WHAT, error);
        let most = most_values(file);
        let text =
            Coded::open(piece(rest)?, most).and_then(|coded| coded.decode::<i8>()).map_err(of_header)?;
        let text: Vec<u8> = text.into_iter().map(|byte| byte as u8).collect();
        let header: Self = serde_json::from_slice(&text).map_err(|error| Error::format_of(WHAT, error))?;
        let values = |entry: &Entry| entry.values().filter(|values| *values <= most);
        let count = |sum: usize, entry| sum.checked_add(values(entry)?).filter(|sum| *sum <= most);
        match header.pieces.iter().flatten().try_fold(0, count) {
            Some(_) => Ok(header),
            None => Err(wrong(format!("its {file} bytes would be more than {most} values"))),
        }
    }
}

/// How many values a file of this number of bytes may have: zeros take few bytes, but not nearly none. So
/// nobody is sent a small file that fills the memory.
fn most_values(file: usize) -> usize {
    file.saturating_mul(4096).saturating_add(1 << 24)
}
