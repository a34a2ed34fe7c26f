//! A part of a data set, as people write it.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

/// A number of training examples, or a part of all, as in `20%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Portion {
    /// This number.
    Number(usize),
    /// This part of all, in percent, above 0 and below 100.
    Percent(f64),
}

impl Portion {
    /// The number of examples, where all are `examples`.
    pub fn of(self, examples: usize) -> usize {
        match self {
            Self::Number(n) => n,
            Self::Percent(percent) => (percent / 100.0 * examples as f64).round() as usize,
        }
    }
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A part as in `20%`, above 0 and below 100.
fn percent(text: &str) -> Option<Portion> {
    let percent = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0 < percent && percent < 100.0).then_some(Portion::Percent(percent))
}

impl FromStr for Portion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = text.parse().map(Self::Number).ok().or_else(|| percent(text));
        found.ok_or_else(|| {
            format!("expected a number of examples or a part of all, as in 200 or 20%, found `{text}`")
        })
    }
}

impl Serialize for Portion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(n) => n.serialize(serializer),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Portion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrPercent)
    }
}

/// Unlike an untagged enum it says what was expected.
struct NumberOrPercent;

impl Visitor<'_> for NumberOrPercent {
    type Value = Portion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of training examples, or a part of all above 0 and below 100, as in \"20%\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Portion, E> {
        let found = usize::try_from(number).map(Portion::Number);
        found.map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Portion, E> {
        let found = usize::try_from(number).map(Portion::Number);
        found.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Portion, E> {
        percent(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_part_are_read_and_nothing_else() {
        let read = |text: &str| {
            let table: Result<std::collections::BTreeMap<String, Portion>, _> =
                toml::from_str(&format!("hold_out = {text}"));
            table.map(|table| table["hold_out"]).map_err(|error| error.message().to_string())
        };
        assert_eq!(read("60"), Ok(Portion::Number(60)));
        let fifth = read("\"20%\"").unwrap();
        assert_eq!((fifth, fifth.of(303), fifth.to_string().as_str()), (Portion::Percent(20.0), 61, "20%"));
        for wrong in ["0.2", "-3", "\"20\"", "\"0%\"", "\"100%\"", "\"x%\"", "true"] {
            let said = read(wrong).unwrap_err();
            assert!(said.contains("expected a number of training examples, or a part of all"), "{said}");
        }
        let said = |text: &str| text.parse::<Portion>();
        assert_eq!((said("60"), said("20 %")), (Ok(Portion::Number(60)), Ok(fifth)));
        for wrong in ["0.2", "-3", "0%", "100%", "x%", ""] {
            assert!(said(wrong).unwrap_err().contains(&format!("found `{wrong}`")), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&[fifth, Portion::Number(6)]).unwrap(), "[\"20%\",6]");
    }
}
