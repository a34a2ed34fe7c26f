//! The options of a criterion, as they are written.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::Error;

/// Named values: the fields of a criterion that are not at their default. On a
/// command line `temperature=100`, in a file a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(Map<String, Value>);

impl Options {
    /// Reads texts such as `temperature=100`: a number or `true` where it looks like
    /// one, else a word.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut options = Map::new();
        for text in texts {
            let wrong = |problem| Error::Options { problem: format!("`{text}` {problem}"), source: None };
            let (name, value) = text.split_once('=').ok_or_else(|| wrong("should be NAME=VALUE"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            if options.insert(name.trim().into(), value).is_some() {
                return Err(wrong("is given twice"));
            }
        }
        Ok(Self(options))
    }

    /// Whether all is at its default.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value with these fields. A field that it does not have is an error that
    /// lists those that it has.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_value(Value::Object(self.0.clone()))
            .map_err(|error| Error::Options { problem: error.to_string(), source: Some(error.into()) })
    }

    /// Refuses options for what has none.
    pub fn none(&self) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::Options { problem: format!("it has none, but `{name}` is given"), source: None })
            }
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(word) => format!("{name}={word}"),
            other => format!("{name}={other}"),
        };
        f.write_str(&self.0.iter().map(text).collect::<Vec<_>>().join(" "))
    }
}
