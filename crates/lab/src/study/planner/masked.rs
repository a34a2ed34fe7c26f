//! Trained weights that come with masks: what of their network is gone before a study prunes it.

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::Masks;
use sapwood_models::{Net, Spec};
use sapwood_prune::{Criterion, Granularity, MaskSet, NetworkProbe, Probe as _, Removed, Scope, Sparsity};
use sapwood_train::Plan;

use crate::{
    Error, SparseTraining,
    study::{CutSettings, Transferred},
};

/// A network of which weights are masked already.
pub(super) struct Masked {
    /// Its layers count, and no value.
    net: Net,
    masks: Masks,
}

impl Masked {
    /// The network of these weights, if they come with masks.
    pub(super) fn of(model: &Spec, known: Option<&Transferred>) -> Result<Option<Self>, Error> {
        let Some(known) = known.filter(|known| !known.masks.is_empty()) else { return Ok(None) };
        Ok(Some(Self { net: model.net(&DeviceSpec::CPU.resolve()?)?, masks: known.masks.clone() }))
    }

    /// Refuses a sparsity at which more would be kept than the masks leave. A pattern keeps what is left of each group, and
    /// channels count as gone only where all their weights are.
    pub(super) fn check_cut(
        &self,
        sparsity: Sparsity,
        cut: &CutSettings,
        criterion: &dyn Criterion,
    ) -> Result<(), Error> {
        let counts_weights =
            !matches!(cut.granularity, Granularity::Pattern { .. } | Granularity::Channel(_));
        if !counts_weights || criterion.removed() == Removed::MayReturn {
            return Ok(());
        }
        let probe = NetworkProbe::observed(&self.net);
        let in_scope = Scope { exclude: cut.exclude.clone() }.of(probe.infos())?;
        let alive = MaskSet::from(self.masks.clone()).within(&criterion.scope(&probe, in_scope)?);
        let groups = cut.granularity.groups(probe.infos(), &alive);
        let [left, all] = groups.unwrap_or([alive.kept(), alive.total()]);
        let asked = sparsity.kept(all);
        match asked <= left {
            true => Ok(()),
            false => Err(Error::setting(
                "methods.sparsity",
                format!(
                    "a sparsity of {sparsity} keeps {asked} of {all} {}, but the masks in the weights of `transfer` leave \
                     {left}: ask for a higher one",
                    cut.granularity.group_name()
                ),
            )),
        }
    }

    /// Refuses masks that a training begins with and could not change as it is to.
    pub(super) fn check_training(&self, sparse: &SparseTraining, plan: &Plan) -> Result<(), Error> {
        Ok(sparse.hook(plan, Seed(0), &self.net, &self.masks).map(drop)?)
    }
}
