//! The recipe that options say.

use sapwood_train::{AdamW, Decay, Recipe, Schedule, Sgd};

use super::{Course, Rule, Train};

impl Train {
    /// The recipe of the whole training, behind a probe if there is one.
    pub(super) fn recipe(&self) -> Recipe {
        let schedule = match self.schedule {
            Course::Constant => Schedule::Constant,
            Course::MultiStep => {
                Schedule::MultiStep { milestones: self.milestones.clone(), gamma: self.gamma.unwrap_or(0.1) }
            }
            Course::Cosine => Schedule::Cosine { end: 0.0 },
        };
        let epochs = self.transfer.then().or(self.epochs).unwrap_or(10);
        let base = match self.optimizer {
            Rule::Sgd => {
                let sgd = Sgd { momentum: self.momentum.unwrap_or(0.9), nesterov: self.nesterov };
                Recipe::new(epochs, sgd, self.lr.unwrap_or(0.1))
            }
            Rule::Adamw => Recipe::new(epochs, AdamW::default(), self.lr.unwrap_or(0.001)),
        };
        Recipe {
            schedule,
            warm_up: self.warm_up,
            weight_decay: self.weight_decay,
            decay: if self.decay_weights_only { Decay::WeightsOnly } else { Decay::All },
            clip: self.clip,
            label_smoothing: self.label_smoothing,
            start_at: self.start_at,
            until: self.until,
            ..base
        }
    }
}
