//! The types that values are stored in.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

/// The type of a value. Integers of less than a byte are [`Packed`](crate::Packed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE 754 double precision.
    F64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of an [`DType::F32`].
    BF16,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 4 bits: -8 to 7.
    I4,
    /// Unsigned, 4 bits: 0 to 15.
    U4,
    /// Signed, 2 bits: -2 to 1.
    I2,
    /// Unsigned, 2 bits: 0 to 3.
    U2,
    /// One bit: 0 or 1.
    U1,
}

impl DType {
    /// Its name: `f32`, `i4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I4 => "i4",
            Self::U4 => "u4",
            Self::I2 => "i2",
            Self::U2 => "u2",
            Self::U1 => "u1",
        }
    }

    /// The bits of one value.
    pub fn bits(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 64,
            Self::F32 | Self::I32 => 32,
            Self::F16 | Self::BF16 => 16,
            Self::I8 | Self::U8 => 8,
            Self::I4 | Self::U4 => 4,
            Self::I2 | Self::U2 => 2,
            Self::U1 => 1,
        }
    }

    /// Whether several values share a byte.
    pub fn is_packed(self) -> bool {
        self.bits() < 8
    }

    /// The integers that it can hold; `None` for floating point.
    pub fn integers(self) -> Option<RangeInclusive<i64>> {
        let most = |bits: usize| i64::MAX >> (64 - bits);
        match self {
            Self::F64 | Self::F32 | Self::F16 | Self::BF16 => None,
            Self::I64 | Self::I32 | Self::I8 | Self::I4 | Self::I2 => {
                let most = most(self.bits());
                Some(-most - 1..=most)
            }
            Self::U8 | Self::U4 | Self::U2 | Self::U1 => Some(0..=most(self.bits() + 1)),
        }
    }

    /// The bytes that a number of values take; `None` for more than there is memory.
    pub(crate) fn bytes(self, values: usize) -> Option<usize> {
        match self.is_packed() {
            true => Some(values.div_ceil(8 / self.bits())),
            false => values.checked_mul(self.bits() / 8),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_two_s_complement() {
        for (dtype, low, high) in [
            (DType::I64, i64::MIN, i64::MAX),
            (DType::I32, -(1 << 31), (1 << 31) - 1),
            (DType::I8, -128, 127),
            (DType::U8, 0, 255),
            (DType::I4, -8, 7),
            (DType::U4, 0, 15),
            (DType::I2, -2, 1),
            (DType::U2, 0, 3),
            (DType::U1, 0, 1),
        ] {
            assert_eq!(dtype.integers(), Some(low..=high), "{dtype}");
        }
        assert_eq!(DType::BF16.integers(), None);
    }

    #[test]
    fn its_name_is_how_it_is_written() {
        for dtype in [DType::F64, DType::BF16, DType::I8, DType::U1] {
            assert_eq!(serde_json::to_value(dtype).unwrap(), dtype.name());
        }
        assert_eq!([3, 8, 9].map(|values| DType::U1.bytes(values)), [Some(1), Some(1), Some(2)]);
        assert_eq!(DType::F64.bytes(usize::MAX), None);
    }
}
