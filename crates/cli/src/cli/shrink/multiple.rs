//! What the channels that stay are a multiple of.

use std::str::FromStr;

use sapwood_runtime::Level;

/// The largest multiple that can be asked for.
const MOST: usize = 4096;

/// A number of channels, or as many as a register of this machine holds.
#[derive(Clone, Copy)]
pub(super) struct Multiple(pub usize);

impl FromStr for Multiple {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self(Level::detect().numbers())),
            (_, Ok(of @ 1..=MOST)) => Ok(Self(of)),
            _ => Err(format!(
                "expected a number from 1 to {MOST}, or auto for what a register of this machine holds"
            )),
        }
    }
}
