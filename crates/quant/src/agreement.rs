//! How far integers agree with numbers.

use std::fmt;

/// How far integers agree with the numbers that they stand for. It reads as a share of what the float network gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Agreement {
    /// The share of examples with the same answer, the largest output.
    Answers(f64),
    /// The share of the outputs' power that is not that of their differences, where none of them is the answer.
    Power(f64),
}

impl Agreement {
    /// The share, from 0 to 1.
    pub fn share(self) -> f64 {
        match self {
            Self::Answers(share) | Self::Power(share) => share,
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers(share) => write!(f, "the answer of the float network for {:.2} %", 100.0 * share),
            Self::Power(share) => {
                write!(f, "{:.2} % of the power of the float network's outputs", 100.0 * share)
            }
        }
    }
}
