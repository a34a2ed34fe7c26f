//! Masks that change in training, on the command line.

use clap::{Args, ValueEnum};
use sapwood_core::Step;
use sapwood_prune::{Allocation, Anneal, Growth, Sparsity};

use crate::{Error, GradualScore, SparseTraining};

/// Options of `train` under which masks change.
#[derive(Args)]
pub(super) struct Sparse {
    /// Prune while training, by a cubic schedule, to this sparsity
    #[arg(long, value_name = "SPARSITY", conflicts_with = "regrow")]
    gradual: Option<Sparsity>,
    /// What goes first [default: magnitude]
    #[arg(long, value_enum, requires = "gradual")]
    gradual_score: Option<ScoreName>,
    /// How the rest is spread over the layers [default: global]
    #[arg(long, value_name = "ALLOCATION", requires = "gradual")]
    gradual_allocation: Option<Allocation>,
    /// Exchange weights of a network that was pruned, while it is trained: by chance
    /// (set), or for those with the largest gradients (rigl)
    #[arg(long, value_enum)]
    regrow: Option<GrowthName>,
    /// The fraction of the weights that is exchanged at first; it falls along a cosine
    /// [default: 0.3]
    #[arg(long, requires = "regrow")]
    regrow_fraction: Option<f64>,
    /// Where masks begin to change with `--gradual` [default: 0ep]
    #[arg(long, value_name = "STEP", requires = "gradual")]
    masks_from_step: Option<Step>,
    /// Where masks have changed for the last time [default: 3/4 of the epochs, rounded up]
    #[arg(long, value_name = "STEP")]
    masks_until: Option<Step>,
    /// How far changes are apart [default: 100it]
    #[arg(long, value_name = "STEP")]
    masks_every: Option<Step>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScoreName {
    Magnitude,
    Movement,
}

#[derive(Clone, Copy, ValueEnum)]
enum GrowthName {
    Set,
    Rigl,
}

impl Sparse {
    /// What was asked for, in a run of so many epochs.
    pub(super) fn training(&self, epochs: usize) -> Result<Option<SparseTraining>, Error> {
        let late = Step::At { epochs: epochs - epochs / 4, iterations: 0 };
        let until = self.masks_until.unwrap_or(late);
        let every = self.masks_every.unwrap_or(Step::At { epochs: 0, iterations: 100 });
        Ok(match (self.gradual, self.regrow) {
            (Some(target), _) => Some(SparseTraining::Gradual {
                score: match self.gradual_score {
                    Some(ScoreName::Movement) => GradualScore::Movement,
                    _ => GradualScore::Magnitude,
                },
                target,
                allocation: self.gradual_allocation.clone().unwrap_or_default(),
                begin: self.masks_from_step.unwrap_or(Step::START),
                end: until,
                every,
            }),
            (None, Some(growth)) => Some(SparseTraining::Regrow {
                growth: match growth {
                    GrowthName::Set => Growth::Random,
                    GrowthName::Rigl => Growth::Gradient,
                },
                fraction: self.regrow_fraction.unwrap_or(0.3),
                anneal: Anneal::Cosine,
                until,
                every,
            }),
            (None, None) if self.masks_until.is_some() || self.masks_every.is_some() => {
                let problem = "`--masks-until` and `--masks-every` belong to `--gradual` or `--regrow`: add one, or leave them out";
                return Err(Error::Usage(problem.into()));
            }
            (None, None) => None,
        })
    }
}
