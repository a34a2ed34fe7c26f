//! How masks change while a network is trained, as a value.

use sapwood_backend::Seed;
use sapwood_core::{Masks, Network, Step};
use sapwood_prune::{Allocation, Anneal, Gradual, Growth, MaskSet, Regrowth, Scope, Sparsity};
use sapwood_train::{Hook, Plan};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    exchange::DynamicSparsity,
    gradual::{GradualPruning, GradualScore},
};

/// How the masks of a run change while it is trained. Positions are those of its
/// recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SparseTraining {
    /// Ever more weights go, by a cubic schedule (Zhu & Gupta 2017).
    Gradual {
        /// By which scores.
        score: GradualScore,
        /// In the end.
        target: Sparsity,
        /// How the rest is spread over the layers.
        allocation: Allocation,
        /// The first pruning, of nothing.
        begin: Step,
        /// The last, to the target.
        end: Step,
        /// Between two.
        every: Step,
    },
    /// Some weights go and as many come back (SET, RigL). The run must begin with masks.
    Regrow {
        /// Which come back.
        growth: Growth,
        /// The exchanged fraction at first.
        fraction: f64,
        /// How it falls.
        anneal: Anneal,
        /// From when on nothing is exchanged.
        until: Step,
        /// Between two exchanges.
        every: Step,
    },
}

impl SparseTraining {
    /// Refuses what a run of this plan could not do to its end, as far as it can be told before there
    /// is a network.
    ///
    /// # Errors
    /// Those of [`Gradual::new`] or of [`Regrowth::check`].
    pub fn check(&self, plan: &Plan) -> Result<(), Error> {
        self.made(plan, Sparsity::DENSE).map(|_| ())
    }

    /// The hook that does it in a run of this plan, which begins with this network and these masks
    /// (also where the run goes on from a checkpoint). What cannot be kept in the iterations that are left, or
    /// not with these masks, is refused.
    ///
    /// # Errors
    /// Those of [`SparseTraining::check`], with what the masks have removed already, and of [`Regrowth::check_masks`];
    /// a network without weights to prune; for gradual pruning, masks or an allocation that the network cannot have.
    pub fn hook<'a, N: Network>(
        &self,
        plan: &Plan,
        seed: Seed,
        network: &N,
        masks: &Masks,
    ) -> Result<Box<dyn Hook<N> + 'a>, Error> {
        let there = MaskSet::from(masks.clone()).within(&Scope::default().on(network)?);
        let gone = there.total() - there.kept();
        let initial = match self {
            // A sparsity that was asked for is met by a whole number of weights only.
            Self::Gradual { target, .. } if target.removed(there.total()) == gone => *target,
            _ => Sparsity::try_from(there.realised_sparsity())?,
        };
        Ok(match self.made(plan, initial)? {
            Made::Gradual(pruning) => {
                pruning.check(network, &there)?;
                Box::new(pruning)
            }
            Made::Regrowth(rule) => {
                rule.check_masks(masks, plan.start..plan.until)?;
                Box::new(DynamicSparsity { rule, seed })
            }
        })
    }

    /// What of it is counted in iterations, for a network of which so much is gone.
    fn made(&self, plan: &Plan, initial: Sparsity) -> Result<Made, Error> {
        let at = |step: Step| step.iterations(plan.length.per_epoch, plan.until);
        let run = plan.start..plan.until;
        Ok(match self {
            Self::Gradual { score, target, allocation, begin, end, every } => {
                let ends = [at(*begin), at(*end)];
                let schedule = Gradual::new([initial, *target], ends, at(*every), run)?;
                Made::Gradual(GradualPruning { schedule, score: *score, allocation: allocation.clone() })
            }
            Self::Regrow { growth, fraction, anneal, until, every } => {
                let rule = Regrowth {
                    growth: *growth,
                    fraction: *fraction,
                    anneal: *anneal,
                    until: at(*until),
                    every: at(*every),
                };
                rule.check(run)?;
                Made::Regrowth(rule)
            }
        })
    }
}

enum Made {
    Gradual(GradualPruning),
    Regrowth(Regrowth),
}
