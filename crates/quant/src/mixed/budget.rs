//! What bits may cost together.

use std::{fmt, str::FromStr};

use crate::Error;

use super::{LayerSensitivity, Settled};

/// A bound on what the weights of all convolutions and linear layers of a network cost, also of those whose bits are
/// settled.
///
/// ```
/// use sapwood_quant::Budget;
///
/// let budget: Budget = "500kB".parse()?;
/// assert_eq!(budget, Budget::Bytes(500_000.0));
/// assert_eq!("1.5Gbops".parse::<Budget>()?.to_string(), "1500000000bops");
/// # Ok::<(), sapwood_quant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// Bytes of weights with their scales in a file, in the types that hold them: 3 bits take 4, and 5 to 7 take 8.
    Bytes(f64),
    /// Bit operations for one example: multiply-accumulates times the bits of weights, 32 in floating point.
    BitOperations(f64),
}

const UNITS: [&str; 2] = ["B", "bops"];

impl Budget {
    /// No bound on bytes, to ask what they cost.
    pub const BYTES: Self = Self::Bytes(f64::INFINITY);

    /// No bound on bit operations, to ask what they cost.
    pub const OPERATIONS: Self = Self::BitOperations(f64::INFINITY);

    /// The bound.
    pub fn limit(self) -> f64 {
        match self {
            Self::Bytes(limit) | Self::BitOperations(limit) => limit,
        }
    }

    /// What a layer costs with those of its bits that have this place.
    pub(crate) fn cost(self, layer: &LayerSensitivity, at: usize) -> f64 {
        match self {
            Self::Bytes(_) => layer.costs[at].bytes as f64,
            Self::BitOperations(_) => layer.macs as f64 * layer.costs[at].bits as f64,
        }
    }

    /// What settled layers cost.
    pub(crate) fn of(self, settled: Settled) -> f64 {
        match self {
            Self::Bytes(_) => settled.bytes as f64,
            Self::BitOperations(_) => settled.operations,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bytes, operations] = UNITS;
        match self {
            Self::Bytes(limit) => write!(f, "{limit}{bytes}"),
            Self::BitOperations(limit) => write!(f, "{limit}{operations}"),
        }
    }
}

impl FromStr for Budget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Option {
            what: "a budget",
            expected: "bytes as in 500kB or 1.5MB, or multiply-accumulates times bits as in 2Gbops",
            found: format!("`{text}`"),
        };
        let unit = UNITS.iter().rev().find(|unit| text.ends_with(**unit)).ok_or_else(wrong)?;
        let number = &text[..text.len() - unit.len()];
        let (number, factor) = match number.chars().last() {
            Some('k') => (&number[..number.len() - 1], 1e3),
            Some('M') => (&number[..number.len() - 1], 1e6),
            Some('G') => (&number[..number.len() - 1], 1e9),
            _ => (number, 1.0),
        };
        let limit = number.parse::<f64>().map_err(|_| wrong())? * factor;
        match (limit.is_finite() && limit > 0.0, *unit) {
            (false, _) => Err(wrong()),
            (true, "B") => Ok(Self::Bytes(limit)),
            (true, _) => Ok(Self::BitOperations(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_units() {
        for text in ["500", "kB", "-1kB", "1e400B", "5kbits", ""] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
        assert_eq!("12B".parse::<Budget>().unwrap(), Budget::Bytes(12.0));
    }
}
