//! How examples are changed in training, as a configuration says it.

use std::str::FromStr;

use sapwood_data::Augment;
use serde::{Deserialize, Serialize};

use crate::Error;

/// `false`, `true` for what is customary for the data set, or a list of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Augmenting {
    /// What is customary, or nothing.
    Customary(bool),
    /// These changes, one after the other.
    These(Vec<Augment>),
}

impl Augmenting {
    /// Examples stay as they are.
    pub const NONE: Self = Self::Customary(false);

    /// Whether examples are changed at all.
    pub fn is_any(&self) -> bool {
        match self {
            Self::Customary(is_any) => *is_any,
            Self::These(steps) => !steps.is_empty(),
        }
    }

    /// The changes for a data set of this name.
    ///
    /// # Errors
    /// No change is customary for it.
    pub fn of(&self, data: &str) -> Result<Vec<Augment>, Error> {
        match (self, sapwood_data::entry(data)?.augment) {
            (Self::These(steps), _) => Ok(steps.clone()),
            (Self::Customary(false), _) => Ok(Vec::new()),
            (Self::Customary(true), []) => {
                let problem =
                    "no augmentation is customary for it: name the changes, or leave `augment` out".into();
                Err(sapwood_data::Error::Inconsistent { name: data.into(), problem }.into())
            }
            (Self::Customary(true), customary) => Ok(customary.to_vec()),
        }
    }
}

impl Default for Augmenting {
    fn default() -> Self {
        Self::NONE
    }
}

impl FromStr for Augmenting {
    type Err = Error;

    /// Reads `customary`, or changes with commas between them, as in `resized-crop=0.5,flip,erase=0.25`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "customary" => Ok(Self::Customary(true)),
            _ => {
                Ok(Self::These(text.split(',').map(|step| Ok(step.parse()?)).collect::<Result<_, Error>>()?))
            }
        }
    }
}
