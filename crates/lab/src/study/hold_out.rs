//! How many training examples are kept back, as a study's file says it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

/// `hold_out`: a number of training examples, or a part of all, as in `"20%"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HoldOut {
    /// This number.
    Number(usize),
    /// This part of all, in percent, above 0 and below 100.
    Percent(f64),
}

impl HoldOut {
    /// The number of examples, where all are `examples`.
    pub fn of(self, examples: usize) -> usize {
        match self {
            Self::Number(n) => n,
            Self::Percent(percent) => (percent / 100.0 * examples as f64).round() as usize,
        }
    }
}

impl fmt::Display for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for HoldOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(n) => n.serialize(serializer),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for HoldOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrPercent)
    }
}

/// Unlike an untagged enum it says what was expected.
struct NumberOrPercent;

impl Visitor<'_> for NumberOrPercent {
    type Value = HoldOut;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of training examples, or a part of all above 0 and below 100, as in \"20%\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<HoldOut, E> {
        let found = usize::try_from(number).map(HoldOut::Number);
        found.map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<HoldOut, E> {
        let found = usize::try_from(number).map(HoldOut::Number);
        found.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HoldOut, E> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let percent = percent.filter(|percent| 0.0 < *percent && *percent < 100.0);
        percent.map(HoldOut::Percent).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_part_are_read_and_nothing_else() {
        let read = |text: &str| {
            let table: Result<std::collections::BTreeMap<String, HoldOut>, _> =
                toml::from_str(&format!("hold_out = {text}"));
            table.map(|table| table["hold_out"]).map_err(|error| error.message().to_string())
        };
        assert_eq!(read("60"), Ok(HoldOut::Number(60)));
        let fifth = read("\"20%\"").unwrap();
        assert_eq!((fifth, fifth.of(303), fifth.to_string().as_str()), (HoldOut::Percent(20.0), 61, "20%"));
        for wrong in ["0.2", "-3", "\"20\"", "\"0%\"", "\"100%\"", "\"x%\"", "true"] {
            let said = read(wrong).unwrap_err();
            assert!(said.contains("expected a number of training examples, or a part of all"), "{said}");
        }
        assert_eq!(serde_json::to_string(&[fifth, HoldOut::Number(6)]).unwrap(), "[\"20%\",6]");
    }
}
