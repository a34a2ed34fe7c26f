//! A position in training.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A position in training, written `"10ep"`, `"500it"`, `"10ep50it"` or `"end"`.
///
/// ```
/// use sapwood_core::Step;
///
/// let step: Step = "2ep50it".parse().unwrap();
/// assert_eq!(step.iterations(100, 1000), 250);
/// assert_eq!("end".parse::<Step>().unwrap().iterations(100, 1000), 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Step {
    /// A number of whole epochs, and then a number of iterations.
    At {
        /// Whole epochs.
        epochs: usize,
        /// Iterations beyond them.
        iterations: usize,
    },
    /// The end of training.
    End,
}

impl Step {
    /// The very beginning.
    pub const START: Self = Self::At { epochs: 0, iterations: 0 };

    /// The number of iterations before this position, in a run of `total`
    /// iterations with `per_epoch` in each epoch.
    pub fn iterations(self, per_epoch: usize, total: usize) -> usize {
        match self {
            Self::At { epochs, iterations } => epochs.saturating_mul(per_epoch).saturating_add(iterations),
            Self::End => total,
        }
    }
}

impl FromStr for Step {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Step { found: text.into() };
        if text == "end" {
            return Ok(Self::End);
        }
        let (epochs, rest) = match text.split_once("ep") {
            Some((epochs, rest)) => (epochs.parse().map_err(|_| wrong())?, rest),
            None => (0, text),
        };
        let iterations = match rest.strip_suffix("it") {
            Some(iterations) => iterations.parse().map_err(|_| wrong())?,
            None if rest.is_empty() && !text.is_empty() => 0,
            None => return Err(wrong()),
        };
        Ok(Self::At { epochs, iterations })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::End => f.write_str("end"),
            Self::At { epochs, iterations: 0 } => write!(f, "{epochs}ep"),
            Self::At { epochs: 0, iterations } => write!(f, "{iterations}it"),
            Self::At { epochs, iterations } => write!(f, "{epochs}ep{iterations}it"),
        }
    }
}

impl TryFrom<String> for Step {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in ["0ep", "10ep", "500it", "10ep50it", "end"] {
            assert_eq!(text.parse::<Step>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "10", "ep", "it", "5it3ep", "-1ep", "1.5ep", "10ep5"] {
            assert!(text.parse::<Step>().is_err(), "{text}");
        }
    }
}
