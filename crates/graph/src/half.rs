//! Floating point of 16 bits.
//!
//! The crate `half` has these too, and computes with them. Nothing is computed here, and it brings a
//! derive macro that takes longer to compile than this crate; a test of `core` compares all values.

/// IEEE 754 half precision, by its bits. Two are equal if their bits are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct F16(u16);

/// The upper half of an `f32`, by its bits. Two are equal if their bits are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BF16(u16);

impl F16 {
    const MANTISSA: i32 = 10;
    const LOWEST: i32 = -14;

    /// The number with these bits.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest number, of two the even one; infinity from 65520 on.
    pub fn from_f64(value: f64) -> Self {
        Self(nearest(value, Self::MANTISSA, Self::LOWEST))
    }

    /// The same number.
    pub fn to_f32(self) -> f32 {
        let (sign, rest) = (u32::from(self.0 & 0x8000) << 16, u32::from(self.0 & 0x7fff));
        let positive = match rest >> Self::MANTISSA {
            // Multiples of 2^-24.
            0 => rest as f32 * f32::from_bits((127 - 24) << 23),
            31 => f32::from_bits(0x7f80_0000 | (rest & 0x3ff) << 13),
            _ => f32::from_bits((rest << 13) + ((127 - 15) << 23)),
        };
        f32::from_bits(positive.to_bits() | sign)
    }
}

impl BF16 {
    const MANTISSA: i32 = 7;
    const LOWEST: i32 = -126;

    /// The number with these bits.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest number, of two the even one.
    pub fn from_f64(value: f64) -> Self {
        Self(nearest(value, Self::MANTISSA, Self::LOWEST))
    }

    /// The same number.
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// The bits of the nearest number with a mantissa of `mantissa` bits, whose lowest exponent of a normal
/// number is this.
fn nearest(value: f64, mantissa: i32, lowest: i32) -> u16 {
    let infinity = (3 - 2 * lowest) << mantissa;
    let size = value.abs();
    let bits = if size.is_nan() {
        infinity | 1 << (mantissa - 1)
    } else if size.is_infinite() {
        infinity
    } else {
        let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(lowest);
        // A power of two, so that nothing but the rounding rounds.
        let steps = size * f64::from_bits(((1023 + mantissa - exponent) as u64) << 52);
        // The leading bit of a normal number carries into the exponent, as does what is rounded up.
        (((exponent - lowest) << mantissa) + steps.round_ties_even() as i32).min(infinity)
    };
    bits as u16 | if value.is_sign_negative() { 0x8000 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_have_their_bits() {
        for (value, half, brain) in [
            (1.0, 0x3c00, 0x3f80),
            (-2.0, 0xc000, 0xc000),
            (65504.0, 0x7bff, 0x4780),
            (65520.0, 0x7c00, 0x4780),
            (2f64.powi(-24), 0x0001, 0x3380),
            (2f64.powi(-25), 0x0000, 0x3300),
            (1e39, 0x7c00, 0x7f80),
            (1.0 + 3.0 / 256.0, 0x3c0c, 0x3f82),
            (-0.0, 0x8000, 0x8000),
            (f64::NEG_INFINITY, 0xfc00, 0xff80),
        ] {
            assert_eq!((F16::from_f64(value).0, BF16::from_f64(value).0), (half, brain), "{value}");
        }
        assert!(F16::from_f64(f64::NAN).to_f32().is_nan() && BF16::from_f64(f64::NAN).to_f32().is_nan());
    }

    /// All positive ones come back, and what lies between two goes to the nearer one.
    fn rounds(from: fn(f64) -> u16, to: fn(u16) -> f32, infinity: u16) {
        for bits in 0..infinity {
            let value = f64::from(to(bits));
            assert_eq!((from(value), from(-value)), (bits, bits | 0x8000));
            let next = f64::from(to(bits + 1));
            if next.is_finite() {
                let middle = value + (next - value) / 2.0;
                assert_eq!(from(middle), bits + bits % 2, "{value} to {next}");
                assert_eq!(from(middle.next_down()), bits, "{value} to {next}");
                assert_eq!(from(middle.next_up()), bits + 1, "{value} to {next}");
            }
        }
        assert_eq!(to(infinity), f32::INFINITY);
    }

    #[test]
    fn every_number_comes_back_and_others_go_to_the_nearest() {
        rounds(|value| F16::from_f64(value).0, |bits| F16(bits).to_f32(), 0x7c00);
        rounds(|value| BF16::from_f64(value).0, |bits| BF16(bits).to_f32(), 0x7f80);
    }
}
