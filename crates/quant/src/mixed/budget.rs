//! What bits may cost together.

use std::{fmt, str::FromStr};

use crate::{Error, weight_scheme};

use super::LayerSensitivity;

/// A bound on what the weights of a network cost.
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
    /// Bytes of weights in a file, in the types that hold them: 3 bits take 4, and 5 and 6 take 8.
    Bytes(f64),
    /// Bit operations for one example: multiply-accumulates times the bits of weights.
    BitOperations(f64),
}

const UNITS: [&str; 2] = ["B", "bops"];

impl Budget {
    /// No bound on bytes, to ask what they cost.
    pub const BYTES: Self = Self::Bytes(f64::INFINITY);

    /// The bound.
    pub fn limit(self) -> f64 {
        match self {
            Self::Bytes(limit) | Self::BitOperations(limit) => limit,
        }
    }

    /// What a layer costs with this number of bits.
    pub(crate) fn cost(self, layer: &LayerSensitivity, bits: usize) -> f64 {
        match self {
            Self::Bytes(_) => {
                let held = weight_scheme(bits, sapwood_graph::Per::Tensor).map_or(8, |s| s.dtype().bits());
                (layer.weights * held).div_ceil(8) as f64
            }
            Self::BitOperations(_) => layer.macs as f64 * bits as f64,
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
        let layer = LayerSensitivity { layer: "a".into(), weights: 5, macs: 100, costs: Vec::new() };
        assert_eq!([8, 6, 4, 3, 2].map(|bits| Budget::BYTES.cost(&layer, bits)), [5.0, 5.0, 3.0, 3.0, 2.0]);
        assert_eq!(Budget::BitOperations(1.0).cost(&layer, 3), 300.0);
    }
}
