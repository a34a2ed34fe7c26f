//! How much is to leave.

use std::{fmt, str::FromStr};

use crate::{Cost, Error};

/// A share above 0 and below 1, written `30%` or `0.3`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// A share, if the number is above 0 and below 1.
    ///
    /// # Errors
    /// [`Error::Share`].
    pub fn new(number: f64) -> Result<Self, Error> {
        number.to_string().parse()
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Share { found: text.into() };
        let number = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse::<f64>(),
        };
        number.ok().filter(|number| 0.0 < *number && *number < 1.0).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = format!("{:.4}", 100.0 * self.0);
        write!(f, "{}%", percent.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// What leaves at the least: a share of what the network has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Of the channels that are compared with one another: those that must stay count, but for those of groups that
    /// stay whole. What leaves together, such as a head of an attention, counts as the channels that units of its group have
    /// on average.
    Channels(Share),
    /// Of the multiply-accumulates.
    Macs(Share),
    /// Of the trained numbers.
    Params(Share),
    /// Of the bytes of all values.
    Bytes(Share),
}

impl Target {
    /// The share.
    pub fn share(self) -> Share {
        match self {
            Self::Channels(share) | Self::Macs(share) | Self::Params(share) | Self::Bytes(share) => share,
        }
    }

    /// Another share of the same.
    pub fn with(self, share: Share) -> Self {
        match self {
            Self::Channels(_) => Self::Channels(share),
            Self::Macs(_) => Self::Macs(share),
            Self::Params(_) => Self::Params(share),
            Self::Bytes(_) => Self::Bytes(share),
        }
    }

    /// What it counts.
    pub fn what(self) -> &'static str {
        match self {
            Self::Channels(_) => "channels",
            Self::Macs(_) => "multiply-accumulates",
            Self::Params(_) => "parameters",
            Self::Bytes(_) => "bytes",
        }
    }

    /// What share of its counts has left a network; none of channels, which no cost counts.
    pub(crate) fn gone(self, before: &Cost, after: &Cost) -> Option<f64> {
        let (before, after) = match self {
            Self::Channels(_) => return None,
            Self::Macs(_) => (before.macs, after.macs),
            Self::Params(_) => (before.params, after.params),
            Self::Bytes(_) => (before.bytes, after.bytes),
        };
        Some(1.0 - after as f64 / before.max(1) as f64)
    }
}
