//! What helps `train` to learn from few examples.

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use sapwood_lab::{Augmenting, Chosen, DataConfig, Portion, SmallData};
use sapwood_train::Mixing;

/// Few examples.
#[derive(Args)]
#[command(next_help_heading = "Few examples")]
pub(super) struct FewExamples {
    /// Learn from this number of training images of each class: the same ones in every run
    #[arg(long, value_name = "N", conflicts_with = "examples")]
    per_class: Option<usize>,
    /// Learn from the training examples on this list alone: see `data prune`
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// Keep back this number or part of the training images, of each class its share, and leave the weights of the
    /// epoch that does best on them, as in 20%
    #[arg(long, value_name = "N|PERCENT")]
    hold_out: Option<Portion>,
    /// Change images in training: by what is customary for the data set, or by flip, crop=PIXELS,
    /// resized-crop=LEAST, erase=PROBABILITY, jitter=STRENGTH and rand-augment=NUMBER/MAGNITUDE, in the order given
    #[arg(long, value_name = "CHANGES", num_args = 0..=1, default_missing_value = "customary")]
    augment: Option<Augmenting>,
    /// Leave an average of the weights of all steps, in which those before fade by this factor a step, as in 0.99
    #[arg(long, value_name = "DECAY")]
    average: Option<f64>,
}

/// `mixup=ALPHA` or `cutmix=ALPHA`.
#[derive(Clone, Copy)]
pub(super) struct Mix(pub(super) Mixing);

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected mixup=ALPHA or cutmix=ALPHA with a number above 0, found `{text}`");
        let (name, alpha) = text.split_once('=').ok_or_else(wrong)?;
        let alpha = alpha.parse().map_err(|_| wrong())?;
        let mixing = match name {
            "mixup" => Mixing::Mixup { alpha },
            "cutmix" => Mixing::Cutmix { alpha },
            _ => return Err(wrong()),
        };
        mixing.check().map_err(|_| wrong())?;
        Ok(Self(mixing))
    }
}

impl FewExamples {
    /// The data with what was given of them.
    pub(super) fn apply(&self, data: &mut DataConfig) {
        data.per_class = self.per_class;
        data.only = self.only.clone().map(|list| Chosen { list, digest: None });
        data.augment = self.augment.clone().unwrap_or_default();
    }

    /// How a number of examples is learnt from.
    pub(super) fn of(&self, examples: usize) -> SmallData {
        let hold_out = self.hold_out.map(|portion| portion.of(examples));
        SmallData { mixing: None, average: self.average, hold_out }
    }
}
