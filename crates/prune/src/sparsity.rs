//! How much is removed.

use std::{cmp::Ordering, fmt, hash, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// The fraction of prunable weights that is removed, 0 to 1, kept as the decimal
/// that was written: `0.9`, `0.982`, `90%`.
///
/// Counts are computed from the decimal digits in exact integer arithmetic, so
/// that 0.9 of 10 weights is 9 and never 8 or 10. Two sparsities are equal if
/// their values are: `0.9`, `0.90` and `90%` are one sparsity, written in three
/// ways. In serialised form it is its text; a number is accepted too.
///
/// ```
/// use sapwood_prune::Sparsity;
///
/// let sparsity: Sparsity = "98.2%".parse().unwrap();
/// assert_eq!(sparsity.kept(270_896), 4_876);
/// assert_eq!(sparsity.to_string(), "98.2%");
/// assert_eq!(sparsity, Sparsity::try_from(0.982).unwrap());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sparsity {
    /// All digits, without the point: at most 10^19.
    digits: u64,
    /// How many of them come after the point of the *fraction*: at most 19.
    places: u32,
    form: Form,
}

/// How the fraction was written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Fraction,
    Percent,
}

/// The most decimals for which `digits * count` cannot overflow.
const MOST_PLACES: u32 = 19;

impl Sparsity {
    /// Nothing is removed.
    pub const DENSE: Self = Self { digits: 0, places: 0, form: Form::Fraction };

    /// How many of `total` weights are removed: `floor(s * total + 1/2)`.
    pub fn removed(self, total: usize) -> usize {
        let one = self.one();
        ((u128::from(self.digits) * total as u128 + one / 2) / one) as usize
    }

    /// How many of `total` weights are kept: all that are not removed.
    pub fn kept(self, total: usize) -> usize {
        total - self.removed(total)
    }

    /// The nearest floating-point number, for display and for formulas that are
    /// real-valued anyway.
    pub fn to_f64(self) -> f64 {
        // Division of two exactly rounded numbers would round twice; parsing the
        // decimal rounds once.
        let fraction = Self { form: Form::Fraction, ..self };
        fraction.to_string().parse().unwrap_or(self.digits as f64 / self.one() as f64)
    }

    /// The fraction that stays, `1 - s`, as a numerator over [`Sparsity::one`].
    pub(crate) fn density_digits(self) -> u128 {
        self.one() - u128::from(self.digits)
    }

    /// The denominator of the digits.
    pub(crate) fn one(self) -> u128 {
        10u128.pow(self.places)
    }
}

impl FromStr for Sparsity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |problem| Error::Sparsity { found: text.into(), problem };
        let (number, form) = match text.strip_suffix('%') {
            Some(number) => (number, Form::Percent),
            None => (text, Form::Fraction),
        };
        let (whole, decimals) = match number.split_once('.') {
            Some((_, "")) => return Err(wrong("no decimal number")),
            Some(parts) => parts,
            None => (number, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let padded = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || padded || !is_number(whole) || !is_number(decimals) {
            return Err(wrong("no decimal number"));
        }
        let places = decimals.len() + if matches!(form, Form::Percent) { 2 } else { 0 };
        if places > MOST_PLACES as usize {
            return Err(wrong("more than 19 decimals"));
        }
        // No number up to 1 has more digits than fit; a larger one may.
        let digits = format!("{whole}{decimals}").parse().map_err(|_| wrong("out of range"))?;
        let sparsity = Self { digits, places: places as u32, form };
        if u128::from(digits) > sparsity.one() {
            return Err(wrong("out of range"));
        }
        Ok(sparsity)
    }
}

/// The shortest decimal that gives this number, rounded to 19 decimals where it
/// has more.
impl TryFrom<f64> for Sparsity {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        let value = if value == 0.0 { 0.0 } else { value };
        let shortest = value.to_string();
        if shortest.len() > 2 + MOST_PLACES as usize && (0.0..1.0).contains(&value) {
            return format!("{value:.19}").parse();
        }
        shortest.parse()
    }
}

impl fmt::Display for Sparsity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (places, sign) = match self.form {
            Form::Fraction => (self.places as usize, ""),
            Form::Percent => (self.places as usize - 2, "%"),
        };
        let digits = format!("{:0>width$}", self.digits, width = places + 1);
        let (whole, decimals) = digits.split_at(digits.len() - places);
        let point = if places == 0 { "" } else { "." };
        write!(f, "{whole}{point}{decimals}{sign}")
    }
}

impl Ord for Sparsity {
    fn cmp(&self, other: &Self) -> Ordering {
        (u128::from(self.digits) * other.one()).cmp(&(u128::from(other.digits) * self.one()))
    }
}

impl PartialOrd for Sparsity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sparsity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sparsity {}

impl hash::Hash for Sparsity {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (u128::from(self.digits) * 10u128.pow(MOST_PLACES - self.places)).hash(state);
    }
}

impl Serialize for Sparsity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sparsity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Decimal)
    }
}

/// Reads text, or a number as formats without decimals give it.
struct Decimal;

impl de::Visitor<'_> for Decimal {
    type Value = Sparsity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sparsity from 0 to 1, such as 0.9 or \"90%\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sparsity, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Sparsity, E> {
        Sparsity::try_from(value).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Sparsity, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Sparsity, E> {
        value.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sparsity(text: &str) -> Sparsity {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_shown() {
        for text in ["0", "1", "0.9", "0.90", "1.000", "0.0000000000000000001", "0%", "100%", "98.2%", "5%"] {
            assert_eq!(sparsity(text).to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        for text in
            ["", ".", "0.", ".5", "-0.1", "+0.1", "1e-3", "NaN", "inf", "00.5", "0.5 ", "%", "0,9", "٠"]
        {
            let error = text.parse::<Sparsity>().unwrap_err().to_string();
            assert!(error.contains("no decimal number"), "{error}");
        }
        for text in ["1.0001", "2", "100.1%", "90", "99999999999999999999999"] {
            let error = text.parse::<Sparsity>().unwrap_err().to_string();
            assert!(error.contains("out of range"), "{error}");
        }
        assert!("0.12345678901234567890".parse::<Sparsity>().is_err());
        for value in [f64::NAN, f64::INFINITY, -0.1, 1.1, 1e300, -1e-300] {
            assert!(Sparsity::try_from(value).is_err(), "{value}");
        }
    }

    #[test]
    fn counts_come_from_the_digits() {
        // A float would give 0.29 * 100 = 28.999999999999996.
        assert_eq!(sparsity("0.29").removed(100), 29);
        assert_eq!(sparsity("0.145").removed(100), 15, "a half is rounded up");
        assert_eq!(sparsity("0.9999999999999999999").removed(usize::MAX), usize::MAX - 2, "all but 1.84");
        assert_eq!(sparsity("1.0000000000000000000").kept(usize::MAX), 0);
        assert_eq!(Sparsity::try_from(1e-300).unwrap().removed(usize::MAX), 0);
        assert_eq!(Sparsity::try_from(-0.0).unwrap(), Sparsity::DENSE);
    }

    #[test]
    fn equal_values_are_equal_however_written() {
        assert_eq!(sparsity("0.9"), sparsity("90.00%"));
        assert!(sparsity("0.89999") < sparsity("90%"));
        assert_eq!(sparsity("90%").to_f64(), 0.9);
    }

    #[test]
    fn it_is_read_from_text_and_from_numbers() {
        use serde::de::{IntoDeserializer, value::Error};
        let read =
            |value: &'static str| Sparsity::deserialize(IntoDeserializer::<Error>::into_deserializer(value));
        assert_eq!(read("90%").unwrap(), sparsity("0.9"));
        assert!(read("91").unwrap_err().to_string().contains("out of range"));
        let number: Result<_, Error> = Sparsity::deserialize(0.982f64.into_deserializer());
        assert_eq!(number.unwrap().to_string(), "0.982");
        let whole: Result<_, Error> = Sparsity::deserialize(1i64.into_deserializer());
        assert_eq!(whole.unwrap(), sparsity("1"));
    }

    proptest! {
        #[test]
        fn a_float_survives_and_half_up_is_the_rule(value in 0.0..=1.0f64, total in 0usize..1 << 40) {
            let sparsity = Sparsity::try_from(value).unwrap();
            prop_assert!((sparsity.to_f64() - value).abs() <= 2e-19);
            let (twice, one) = (2 * u128::from(sparsity.digits) * total as u128, sparsity.one());
            let removed = sparsity.removed(total) as u128;
            // removed - 1/2 <= s N < removed + 1/2
            prop_assert!(2 * removed * one <= twice + one && twice < (2 * removed + 1) * one);
        }
    }
}
