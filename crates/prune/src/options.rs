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
    /// Reads texts such as `temperature=100`. A value that is JSON is what it says, such as a
    /// number, `true`, `[1, 2]` or a word in quotes (`"1"`); every other is a word.
    ///
    /// # Errors
    /// [`Error::Options`] for a text without `=`, or a name that comes twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut options = Map::new();
        for text in texts {
            let wrong = |what: &str, problem: &str| Error::Options {
                problem: format!("`{what}` {problem}"),
                source: None,
            };
            let (name, value) = text.split_once('=').ok_or_else(|| wrong(text, "should be NAME=VALUE"))?;
            let (name, value) = (name.trim(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
            if options.insert(name.into(), value).is_some() {
                return Err(wrong(name, "is given twice: give it once"));
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
    ///
    /// # Errors
    /// [`Error::Options`] for a field that is refused or missing, and for a value that the field does not take.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_value(Value::Object(self.0.clone()))
            .map_err(|error| Error::Options { problem: error.to_string(), source: Some(error.into()) })
    }

    /// Refuses options for what has none.
    ///
    /// # Errors
    /// [`Error::Options`] where there is one.
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
            // In quotes where it would be read as something else.
            Value::String(word) if serde_json::from_str::<Value>(word).is_err() => format!("{name}={word}"),
            other => format!("{name}={other}"),
        };
        f.write_str(&self.0.iter().map(text).collect::<Vec<_>>().join(" "))
    }
}
