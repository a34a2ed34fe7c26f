//! How a smaller network learns again.

use clap::Args;
use sapwood_train::{AdamW, Decay, Recipe, Schedule, Sgd};

use super::super::train::Rule;

/// How a smaller network learns again.
#[derive(Args)]
pub(super) struct Learning {
    /// Times all examples are seen after each step
    #[arg(long, value_name = "N", default_value_t = 5)]
    epochs: usize,
    /// The rule by which weights move
    #[arg(long, value_enum, default_value_t = Rule::Sgd)]
    optimizer: Rule,
    /// The learning rate at first; it falls to 0 along a cosine in each step [default: 0.02 for sgd, 0.0002 for adamw: a fifth
    /// of what `train` begins with]
    #[arg(long)]
    lr: Option<f64>,
    /// The decay of weights, not of biases and normalisation: of sgd added to the gradient times each weight, of adamw taken
    /// off beside it
    #[arg(long, default_value_t = 5e-4)]
    weight_decay: f64,
    /// Scale the gradient down to this norm where it is larger; networks without batch normalisation diverge without that
    #[arg(long, value_name = "NORM", default_value_t = 1.0)]
    clip: f64,
    /// Examples that are learnt from at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(super) batch_size: usize,
}

impl Learning {
    /// The recipe of each step.
    pub(super) fn recipe(&self) -> Recipe {
        let rate = |usual: f64| self.lr.unwrap_or(usual);
        let base = match self.optimizer {
            Rule::Sgd => Recipe::new(self.epochs, Sgd { momentum: 0.9, nesterov: true }, rate(0.02)),
            Rule::Adamw => Recipe::new(self.epochs, AdamW::default(), rate(0.0002)),
        };
        Recipe {
            schedule: Schedule::Cosine { end: 0.0 },
            weight_decay: self.weight_decay,
            decay: Decay::WeightsOnly,
            clip: Some(self.clip),
            ..base
        }
    }
}
