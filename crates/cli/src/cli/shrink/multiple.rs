//! What the channels that stay are a multiple of.

use std::str::FromStr;

use sapwood_deploy::latency::level;

/// The largest multiple that can be asked for.
const MOST: usize = 4096;

/// A number of channels, or as many as a register of this machine holds.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Multiple {
    Of(usize),
    Auto,
}

impl Multiple {
    /// The number. What a register holds depends on the level, which is pinned only once the command line is read.
    pub(in crate::cli) fn number(self) -> usize {
        match self {
            Self::Of(number) => number,
            Self::Auto => level().numbers(),
        }
    }
}

impl FromStr for Multiple {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(of @ 1..=MOST)) => Ok(Self::Of(of)),
            _ => Err(format!(
                "expected a number from 1 to {MOST}, or auto for what a register of this machine holds"
            )),
        }
    }
}
