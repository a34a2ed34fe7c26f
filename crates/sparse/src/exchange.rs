//! The exchange of weights as a hook: SET (Mocanu et al. 2018, arXiv 1707.04780) and RigL (Evci et al. 2020,
//! arXiv 1911.11134).

use std::collections::BTreeMap;

use sapwood_backend::{Seed, block_on, read_all};
use sapwood_core::{Gradients, Layout, Masks, Network, ParamInfo, ParamPath, infos, tensors};
use sapwood_prune::{Regrowth, SparseLayer};
use sapwood_train::{Hook, HookError, Live, StepReport, Update};

/// Some weights of each layer go and as many come back, in the place of a step.
pub(super) struct DynamicSparsity {
    pub(super) rule: Regrowth,
    pub(super) seed: Seed,
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
                let layer = SparseLayer { mask, weights: &values[0], gradient: &values[1] };
                (path.clone(), self.rule.exchange(fraction, layer, self.seed, index))
            });
        let exchanged: Masks = exchanged.collect();
        tracing::debug!(iteration = step.iteration, fraction, layers = exchanged.len(), "weights exchanged");
        live.remask(exchanged)?;
        Ok(Update::Replaced)
    }
}
