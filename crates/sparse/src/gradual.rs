//! Gradual pruning as a hook (Zhu & Gupta 2017, arXiv 1710.01878).

use sapwood_core::{Gradients, Network};
use sapwood_prune::{Allocation, Cut, Gradual, Magnitude, MaskSet, NetworkProbe, Scope, Scores};
use sapwood_train::{Hook, HookError, Live, StepReport, Update};
use serde::{Deserialize, Serialize};

use crate::{Error, movement};

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

/// Ever more weights go, by the schedule, and never come back.
pub(super) struct GradualPruning {
    pub(super) schedule: Gradual,
    pub(super) score: GradualScore,
    pub(super) allocation: Allocation,
}

impl GradualPruning {
    /// Refuses an allocation that the network cannot have at the first or the last sparsity.
    pub(super) fn check<N: Network>(&self, network: &N, alive: &MaskSet) -> Result<(), Error> {
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
            movement::add(gradients, live);
        }
        let Some(sparsity) = self.schedule.at(step.iteration) else { return Ok(Update::Step) };
        let alive = (!live.masks().is_empty()).then(|| MaskSet::from(live.masks().clone()));
        let masks = match self.score {
            GradualScore::Magnitude => {
                let cut = Cut::to(sparsity).allocation(self.allocation.clone());
                cut.masks_blocking(&Magnitude, &NetworkProbe::new(&live.network), alive.as_ref())?
            }
            GradualScore::Movement => {
                let scores = movement::read(live)?;
                let candidates = alive.as_ref().map(|alive| alive.within(scores.prunable()));
                let chosen = MaskSet::of_scores(&scores, sparsity, &self.allocation, candidates.as_ref())?;
                match alive {
                    Some(alive) => alive.overlaid(chosen),
                    None => chosen,
                }
            }
        };
        tracing::debug!(iteration = step.iteration, %sparsity, kept = masks.kept(), of = masks.total(), "masks grew");
        live.remask(masks.into_masks())?;
        Ok(Update::Step)
    }
}
