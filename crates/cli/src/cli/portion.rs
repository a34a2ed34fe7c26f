//! A part of a data set on the command line.

use std::str::FromStr;

/// A number of examples, or a part of all.
#[derive(Clone, Copy)]
pub(super) enum Portion {
    Number(usize),
    Percent(f64),
}

impl FromStr for Portion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected a number of examples or a part of all, as in 200 or 20%, found `{text}`");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Number).map_err(|_| wrong()),
            Some(percent) => {
                let percent: f64 = percent.parse().map_err(|_| wrong())?;
                (0.0 < percent && percent < 100.0).then_some(Self::Percent(percent)).ok_or_else(wrong)
            }
        }
    }
}

impl Portion {
    /// The number of examples, where all are `examples`.
    pub(super) fn of(self, examples: usize) -> usize {
        match self {
            Self::Number(n) => n,
            Self::Percent(percent) => (percent / 100.0 * examples as f64).round() as usize,
        }
    }
}
