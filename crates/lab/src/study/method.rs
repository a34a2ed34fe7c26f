//! Ways of pruning, as a study's file says them.

use sapwood_core::{Exceptions, Step};
use sapwood_prune::{Ablation, Allocation, Granularity, Iterations, Options, Sparsity};
use sapwood_sparse::During;
use sapwood_train::Retraining;
use serde::{Deserialize, Serialize};

use super::{Distill, Several, Share};
use crate::{Examples, Integers};

/// `[[methods]]`: every setting that may have several values is combined with every
/// other one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// What it is called in tables; made of what sets it apart if it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which weights are kept: see `list criteria`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<Several<String>>,
    /// The position of the dense run whose weights are scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Several<Step>>,
    /// How it is trained afterwards. By default with the weights that were scored, and
    /// with the learning rates from there on; those of the end from the first one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrain: Option<Several<Retraining>>,
    /// Controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<Several<Control>>,
    /// The fractions that are removed, where they are not those of the study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Several<Sparsity>>,
    /// Whether each sparsity begins with the trained network of the one before, as in
    /// iterative magnitude pruning.
    #[serde(default)]
    pub iterative: bool,
    /// How the kept weights are spread over the layers.
    #[serde(default)]
    pub allocation: Allocation,
    /// What goes together.
    #[serde(default)]
    pub granularity: Granularity,
    /// Layers that are left alone.
    #[serde(default, alias = "except")]
    pub exclude: Exceptions,
    /// In how many rounds, where not as is customary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<Iterations>,
    /// Options of the criterion.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// What is scored with, where the criterion asks for it: by default 10 examples of
    /// each class, or 128 boards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<Examples>,
    /// How masks change in training, instead of standing still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<During>,
    /// The integers of weights, as in `int4`, where it is rounded in training. Without a criterion the trained network
    /// is rounded as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Several<Integers>>,
    /// The epochs of its training, where not those of the study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// What it learns of the dense run of its replicate, beside the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distill: Option<Several<Distill>>,
    /// How weights are shared after its training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Several<Share>>,
    /// Whether each run is done a second time with another order of the examples, to see
    /// whether the two networks are linearly connected.
    #[serde(default)]
    pub connectivity: bool,
}

/// What is taken away from a method to see what it is worth (Frankle et al. 2021,
/// section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Nothing.
    #[default]
    None,
    /// Which weights of a layer are kept: its mask is permuted.
    Shuffle,
    /// The initial weights: new ones are drawn under the same masks.
    Reinit,
    /// The order: the other end of the ranking goes.
    Invert,
}

impl Control {
    /// What happens to the masks.
    pub fn ablation(self) -> Option<Ablation> {
        match self {
            Self::None | Self::Reinit => None,
            Self::Shuffle => Some(Ablation::Shuffle),
            Self::Invert => Some(Ablation::Invert),
        }
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shuffle => "shuffle",
            Self::Reinit => "reinit",
            Self::Invert => "invert",
        }
    }
}
