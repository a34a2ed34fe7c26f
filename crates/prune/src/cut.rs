//! One cut: how much, where, and spread how.

use sapwood_backend::block_on;

use crate::{Allocation, Criterion, Error, MaskSet, Probe, Removed, Scope, Sparsity};

/// What is orthogonal to a criterion: how much is removed, which parameters are
/// considered, and how the rest is spread over the layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How much is removed, of all weights in scope.
    pub sparsity: Sparsity,
    /// How the kept weights are spread over the layers.
    pub allocation: Allocation,
    /// Which parameters are considered.
    pub scope: Scope,
}

impl Cut {
    /// Down to this sparsity: all conv and linear weights, in one ranking.
    pub fn to(sparsity: Sparsity) -> Self {
        Self { sparsity, allocation: Allocation::default(), scope: Scope::default() }
    }

    /// With this allocation.
    pub fn allocation(self, allocation: Allocation) -> Self {
        Self { allocation, ..self }
    }

    /// Within this scope.
    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Scores a network and selects what is kept. `alive` are the masks that the
    /// network already has, if any; what they removed stays removed unless the
    /// criterion says otherwise. Masks of parameters out of scope are carried over.
    pub async fn masks(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<MaskSet, Error> {
        if let Some(alive) = alive {
            alive.fits_params(probe.infos())?;
        }
        let prunable = self.scope.of(probe.infos())?;
        let candidates = match criterion.removed() {
            Removed::StayRemoved => alive.map(|alive| alive.within(&prunable)),
            Removed::MayReturn => None,
        };
        let scores = criterion.score(probe, &prunable)?;
        let chosen = MaskSet::select(scores, self.sparsity, &self.allocation, candidates.as_ref()).await?;
        Ok(match alive {
            Some(alive) => alive.overlaid(chosen),
            None => chosen,
        })
    }

    /// [`Cut::masks`], waiting for the device. Not for a browser's main thread.
    pub fn masks_blocking(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<MaskSet, Error> {
        block_on(self.masks(criterion, probe, alive))
    }
}
