//! What a tensor's values are, and how each becomes an integer.

use std::fmt;

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Integers: codes, levels of a grid.
    I32 = 0,
    /// Single precision.
    F32 = 1,
    /// Half precision.
    F16 = 2,
    /// Half of single precision: `bfloat16`.
    Bf16 = 3,
    /// Small integers.
    I8 = 4,
}

impl Kind {
    /// All kinds, by the number that stands for them in a file.
    pub const ALL: [Self; 5] = [Self::I32, Self::F32, Self::F16, Self::Bf16, Self::I8];

    /// How many bytes a value takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::I32 | Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::I8 => 1,
        }
    }

    /// Whether some value of this kind has this level.
    pub(crate) fn has(self, level: i32) -> bool {
        let spare = 32 - 8 * self.bytes() as u32;
        level << spare >> spare == level
    }

    /// The level as unsigned bytes of which the upper ones say most about each other.
    pub(crate) fn word(self, level: i32) -> u32 {
        match self {
            // Small numbers of either sign have empty upper bytes.
            Self::I32 | Self::I8 => (level << 1 ^ level >> 31) as u32,
            // The exponent is a byte of its own, and the sign lies at the bottom.
            Self::F32 => (flip(level, 31) as u32).rotate_left(1),
            Self::F16 | Self::Bf16 => u32::from((flip(level, 15) as u16).rotate_left(1)),
        }
    }

    /// The inverse of `word`, of as many bytes as the kind has.
    pub(crate) fn level(self, word: u32) -> i32 {
        match self {
            Self::I32 | Self::I8 => (word >> 1) as i32 ^ -((word & 1) as i32),
            Self::F32 => flip(word.rotate_right(1) as i32, 31),
            Self::F16 | Self::Bf16 => flip(i32::from((word as u16).rotate_right(1) as i16), 15),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
        })
    }
}

/// The bits of half precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct F16(pub u16);

/// The bits of `bfloat16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bf16(pub u16);

/// A value that can be coded: `i32`, `f32`, `i8`, [`F16`], [`Bf16`].
///
/// Each has a *level*, an integer that is the larger the larger the value is, and 0 for 0. Levels
/// are one to one with bits, so NaNs and the negative zero come back as they were.
pub trait Element: Copy + sealed::Sealed {
    /// Its kind.
    const KIND: Kind;
    /// Its level.
    fn to_level(self) -> i32;
    /// The value with this level, of which only as many bits as the kind has are looked at.
    fn from_level(level: i32) -> Self;
}

/// Turns the bits below the sign over where it is set, and back: floats in their order.
fn flip(bits: i32, width: u32) -> i32 {
    bits ^ ((bits >> 31) as u32 >> (32 - width)) as i32
}

macro_rules! element {
    ($type:ty, $kind:ident, |$value:ident| $to:expr, |$level:ident| $from:expr) => {
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const KIND: Kind = Kind::$kind;
            #[inline]
            fn to_level(self) -> i32 {
                let $value = self;
                $to
            }
            #[inline]
            fn from_level($level: i32) -> Self {
                $from
            }
        }
    };
}

element!(i32, I32, |value| value, |level| level);
element!(i8, I8, |value| i32::from(value), |level| level as i8);
element!(f32, F32, |value| flip(value.to_bits() as i32, 31), |level| Self::from_bits(flip(level, 31) as u32));
element!(F16, F16, |value| flip(i32::from(value.0 as i16), 15), |level| Self(flip(level, 15) as u16));
element!(Bf16, Bf16, |value| flip(i32::from(value.0 as i16), 15), |level| Self(flip(level, 15) as u16));

mod sealed {
    pub trait Sealed {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_the_order_of_values_and_zero_is_zero() {
        let values = [f32::NEG_INFINITY, -2.0, -1.0, -1e-40, -0.0, 0.0, 1e-40, 1.0, 2.0, f32::INFINITY];
        let levels = values.map(f32::to_level);
        assert!(levels.is_sorted_by(|a, b| a < b), "{levels:?}");
        assert_eq!(levels[4..6], [-1, 0]);
        let halves = [0xfc00, 0xc000, 0x8001, 0x8000, 0x0000, 0x0001, 0x4000, 0x7c00].map(F16);
        assert!(halves.map(F16::to_level).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn each_level_of_two_bytes_has_a_word_and_a_value_of_its_own() {
        for level in i32::from(i16::MIN)..=i32::from(i16::MAX) {
            assert_eq!(F16::from_level(level).to_level(), level);
            for kind in [Kind::F16, Kind::Bf16, Kind::F32, Kind::I32] {
                assert_eq!(kind.level(kind.word(level)), level, "{kind}");
            }
        }
        for level in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX] {
            assert_eq!(f32::from_level(level).to_level(), level);
            assert_eq!(Kind::F32.level(Kind::F32.word(level)), level);
            assert_eq!(Kind::I32.level(Kind::I32.word(level)), level);
        }
        assert!(Kind::I8.has(-128) && !Kind::I8.has(128) && Kind::F16.has(-32768) && !Kind::F16.has(32768));
    }
}
