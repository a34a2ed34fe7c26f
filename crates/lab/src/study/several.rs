//! One value or several, as a user likes to write it.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor, value},
};

/// `x` or `[x, y]`: a setting of which a study tries each value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Several<T>(pub Vec<T>);

impl<T> Several<T> {
    /// Only this one.
    pub fn one(value: T) -> Self {
        Self(vec![value])
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore(PhantomData))
    }
}

/// Unlike an untagged enum it keeps the message of what is wrong with the value.
struct OneOrMore<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMore<T> {
    type Value = Several<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        match values.is_empty() {
            true => Err(A::Error::custom("a list without a value: leave the setting out")),
            false => Ok(Several(values)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(value::StrDeserializer::new(text)).map(Several::one)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        T::deserialize(value::I64Deserializer::new(number)).map(Several::one)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        T::deserialize(value::U64Deserializer::new(number)).map(Several::one)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        T::deserialize(value::F64Deserializer::new(number)).map(Several::one)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(value::MapAccessDeserializer::new(map)).map(Several::one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_a_list_are_read_alike_and_errors_are_those_of_the_value() {
        let read = |text: &str| serde_json::from_str::<Several<sapwood_core::Step>>(text);
        assert_eq!(read("\"1ep\"").unwrap().0.len(), 1);
        assert_eq!(read("[\"1ep\", \"end\"]").unwrap().0.len(), 2);
        assert!(read("\"1epoch\"").unwrap_err().to_string().contains("1epoch"));
        assert!(read("[]").unwrap_err().to_string().contains("without a value"));
        let fractions: Several<sapwood_prune::Sparsity> = serde_json::from_str("0.9").unwrap();
        assert_eq!(fractions.0[0].to_string(), "0.9");
    }
}
