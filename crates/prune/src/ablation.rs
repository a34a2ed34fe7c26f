//! Controls: what is left of a method when one of its ingredients is taken away.

use std::{fmt, str::FromStr};

use sapwood_core::UnknownName;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The controls of Frankle et al. 2021, section 5, that act on scores and masks.
/// The others act on something else: new initial weights under the same masks are
/// `Init::apply` and then [`MaskSet::apply`](crate::MaskSet::apply); other layer proportions are
/// [`Allocation::like`](crate::Allocation::like); pruning later is training until
/// then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ablation {
    /// The mask of each layer is permuted: the layer keeps as many weights, but which
    /// is left to chance.
    Shuffle,
    /// The other end of the ranking goes: scores are negated.
    Invert,
}

const NAMES: [(&str, Ablation); 2] = [("shuffle", Ablation::Shuffle), ("invert", Ablation::Invert)];

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, ablation)| ablation == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Ablation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || UnknownName::new("ablation", text, NAMES.iter().map(|(name, _)| *name));
        let row = NAMES.iter().find(|(name, _)| *name == text).ok_or_else(unknown)?;
        Ok(row.1)
    }
}
