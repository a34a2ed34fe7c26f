//! The movement of weights (Sanh et al. 2020, arXiv 2005.07683), added up while a network is trained.

use std::collections::BTreeMap;

use sapwood_backend::{block_on, read_all};
use sapwood_core::{Gradients, Layout, Network, ParamPath, tensors};
use sapwood_prune::{Scope, Scores};
use sapwood_train::{HookError, Live};

/// The slot of the optimiser's memory that movement is added up in, so that it comes
/// and goes with checkpoints.
const MOVEMENT: &str = "movement";

/// Adds `- w dL/dw` of this step to what each weight has moved.
pub(super) fn add<N: Network>(gradients: &Gradients, live: &mut Live<N>) {
    for (info, w) in tensors(&live.network, Layout::Stored).into_iter().filter(|(i, _)| i.role.is_weight()) {
        let Some(g) = gradients.get(&info.path) else { continue };
        let slots = &mut live.memory.0.entry(info.path).or_default().tensors;
        let moved = match slots.remove(MOVEMENT) {
            Some(sum) => sum - w * g.clone(),
            None => (w * g.clone()).neg(),
        };
        slots.insert(MOVEMENT.into(), moved);
    }
}

/// What was added up so far.
pub(super) fn read<N: Network>(live: &Live<N>) -> Result<Scores, HookError> {
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
