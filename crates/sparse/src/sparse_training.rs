//! Masks that change while a network is trained: where schedules of `prune` become
//! hooks of `train`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sapwood_backend::{Seed, block_on, read_all};
use sapwood_core::{Gradients, Layout, Masks, Network, ParamInfo, ParamPath, Step, infos, tensors};
use sapwood_prune::{
    Allocation, Anneal, Cut, Gradual, Growth, Magnitude, MaskSet, NetworkProbe, Regrowth, Scope, Scores,
    Sparsity,
};
use sapwood_train::{Hook, HookError, Live, Plan, StepReport, Update};
use serde::{Deserialize, Serialize};

use crate::Error;

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

/// What a gradual pruning ranks weights by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GradualScore {
    /// Their magnitude.
    Magnitude,
    /// Their movement, `- sum over steps of w dL/dw` (Sanh et al. 2020). The paper keeps
    /// weights underneath their masks and lets them return; here what is removed is zero
    /// and stays so.
    Movement,
}

impl SparseTraining {
    /// Refuses what a run of this plan could not do to its end, as far as it can be told before there
    /// is a network.
    pub fn check(&self, plan: &Plan) -> Result<(), Error> {
        self.made(plan, Sparsity::DENSE).map(|_| ())
    }

    /// The hook that does it in a run of this plan, which begins with this network and these masks
    /// (also where the run goes on from a checkpoint). What cannot be kept in so many iterations, or
    /// not with these masks, is refused.
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

/// The slot of the optimiser's memory that movement is added up in, so that it comes
/// and goes with checkpoints.
const MOVEMENT: &str = "movement";

struct GradualPruning {
    schedule: Gradual,
    score: GradualScore,
    allocation: Allocation,
}

impl GradualPruning {
    /// Refuses an allocation that the network cannot have at the first or the last sparsity.
    fn check<N: Network>(&self, network: &N, alive: &MaskSet) -> Result<(), Error> {
        let scores = Scores::try_from_fn(&Scope::default().on(network)?, |info| vec![0.0; info.len()])?;
        for sparsity in self.schedule.ends() {
            MaskSet::of_scores(&scores, sparsity, &self.allocation, Some(alive))?;
        }
        Ok(())
    }
}

impl<N: Network> Hook<N> for GradualPruning {
    fn on_update(
        &mut self,
        step: &StepReport,
        gradients: &Gradients,
        live: &mut Live<N>,
    ) -> Result<Update, HookError> {
        if self.score == GradualScore::Movement {
            for (info, w) in
                tensors(&live.network, Layout::Stored).into_iter().filter(|(i, _)| i.role.is_weight())
            {
                let Some(g) = gradients.get(&info.path) else { continue };
                let slots = &mut live.memory.0.entry(info.path).or_default().tensors;
                let moved = match slots.remove(MOVEMENT) {
                    Some(sum) => sum - w * g.clone(),
                    None => (w * g.clone()).neg(),
                };
                slots.insert(MOVEMENT.into(), moved);
            }
        }
        let Some(sparsity) = self.schedule.at(step.iteration) else { return Ok(Update::Step) };
        let alive = (!live.masks().is_empty()).then(|| MaskSet::from(live.masks().clone()));
        let masks = match self.score {
            GradualScore::Magnitude => {
                let cut = Cut::to(sparsity).allocation(self.allocation.clone());
                cut.masks_blocking(&Magnitude, &NetworkProbe::new(&live.network), alive.as_ref())?
            }
            GradualScore::Movement => {
                let scores = movement(live)?;
                let candidates = alive.as_ref().map(|alive| alive.within(scores.prunable()));
                let chosen = MaskSet::of_scores(&scores, sparsity, &self.allocation, candidates.as_ref())?;
                match alive {
                    Some(alive) => alive.overlaid(chosen),
                    None => chosen,
                }
            }
        };
        live.remask(masks.into_masks())?;
        Ok(Update::Step)
    }
}

/// What was added up so far.
fn movement<N: Network>(live: &Live<N>) -> Result<Scores, HookError> {
    let prunable = Scope::default().on(&live.network)?;
    let sums = prunable.params().iter().filter_map(|info| {
        let sum = live.memory.0.get(&info.path)?.tensors.get(MOVEMENT)?.clone();
        Some((info.path.clone(), info.reorder(sum, Layout::Stored, Layout::Torch)))
    });
    let (paths, sums): (Vec<ParamPath>, Vec<_>) = sums.unzip();
    let values = block_on(read_all(sums))?;
    let mut by_path: BTreeMap<ParamPath, Vec<f64>> =
        paths.into_iter().zip(values.iter().map(|data| data.iter::<f64>().collect())).collect();
    Ok(Scores::try_from_fn(&prunable, |info| {
        by_path.remove(&info.path).unwrap_or_else(|| vec![0.0; info.len()])
    })?)
}

struct DynamicSparsity {
    rule: Regrowth,
    seed: Seed,
}

impl<N: Network> Hook<N> for DynamicSparsity {
    fn on_update(
        &mut self,
        step: &StepReport,
        gradients: &Gradients,
        live: &mut Live<N>,
    ) -> Result<Update, HookError> {
        let Some(fraction) = self.rule.at(step.iteration) else { return Ok(Update::Step) };
        let known: BTreeMap<ParamPath, ParamInfo> =
            infos(&live.network).into_iter().map(|info| (info.path.clone(), info)).collect();
        let weights: BTreeMap<ParamPath, _> = tensors(&live.network, Layout::Torch)
            .into_iter()
            .map(|(info, value)| (info.path, value))
            .collect();
        let masks = live.masks().clone();
        let mut read = Vec::new();
        for path in masks.keys() {
            let (info, weight) = (&known[path], weights[path].clone());
            let gradient = gradients.get(path).cloned().unwrap_or_else(|| weight.zeros_like());
            read.extend([weight, info.reorder(gradient, Layout::Stored, Layout::Torch)]);
        }
        let values: Vec<Vec<f64>> =
            block_on(read_all(read))?.iter().map(|data| data.iter::<f64>().collect()).collect();
        let exchanged =
            masks.iter().zip(values.chunks(2)).enumerate().map(|(layer, ((path, mask), values))| {
                let index = (step.iteration as u64) << 16 | layer as u64;
                (path.clone(), self.rule.exchange(fraction, mask, &values[0], &values[1], self.seed, index))
            });
        let exchanged: Masks = exchanged.collect();
        live.remask(exchanged)?;
        Ok(Update::Replaced)
    }
}
