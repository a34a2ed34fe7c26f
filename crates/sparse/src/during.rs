//! How masks change in training, without the sparsity: as a study's file says it.

use sapwood_core::Step;
use sapwood_prune::{Allocation, Anneal, Growth, Sparsity};
use serde::{Deserialize, Serialize};

use crate::{GradualScore, SparseTraining};

/// How masks change in training. Positions are those of the method's training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum During {
    /// Ever more weights go, to the sparsity. Asks for no criterion.
    Gradual {
        /// By which scores.
        #[serde(default = "magnitude")]
        score: GradualScore,
        /// The first pruning, of nothing.
        begin: Step,
        /// The last.
        end: Step,
        /// Between two.
        every: Step,
    },
    /// Some weights go and as many come back.
    Regrow {
        /// Which come back: `random` (SET) or `gradient` (RigL).
        growth: Growth,
        /// The exchanged fraction at first.
        #[serde(default = "third")]
        fraction: f64,
        /// How it falls.
        #[serde(default = "cosine")]
        anneal: Anneal,
        /// From when on nothing is exchanged.
        until: Step,
        /// Between two exchanges.
        every: Step,
    },
}

impl During {
    /// The same with the sparsity and the allocation that a gradual pruning ends at; an exchange of weights
    /// keeps those that it begins with.
    pub fn to(self, target: Sparsity, allocation: Allocation) -> SparseTraining {
        match self {
            Self::Gradual { score, begin, end, every } => {
                SparseTraining::Gradual { score, target, allocation, begin, end, every }
            }
            Self::Regrow { growth, fraction, anneal, until, every } => {
                SparseTraining::Regrow { growth, fraction, anneal, until, every }
            }
        }
    }
}

fn magnitude() -> GradualScore {
    GradualScore::Magnitude
}

fn third() -> f64 {
    0.3
}

fn cosine() -> Anneal {
    Anneal::Cosine
}
