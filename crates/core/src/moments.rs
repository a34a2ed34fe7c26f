//! Running statistics of batch normalisation.

use std::collections::BTreeMap;

use burn::{module::Module, tensor::Tensor};

use crate::{Layout, ParamPath, map};

/// The statistics of one batch in one normalisation layer.
#[derive(Clone, Debug)]
pub struct Moments {
    /// The layer's path, `layer1.0.bn1`.
    pub layer: String,
    /// The mean of each channel, `[C]`.
    pub mean: Tensor<1>,
    /// The *unbiased* variance of each channel, `[C]`.
    pub variance: Tensor<1>,
    /// The weight of the new value in the running one.
    pub momentum: f64,
}

/// Adds the statistics of a training pass to the running ones:
/// `running = (1 - momentum) * running + momentum * batch`, PyTorch's rule, with
/// the unbiased variance of the batch.
pub fn absorb<M: Module>(network: M, moments: Vec<Moments>) -> M {
    let mut updates: BTreeMap<ParamPath, (Tensor<1>, f64)> = BTreeMap::new();
    for Moments { layer, mean, variance, momentum } in moments {
        updates.insert(format!("{layer}.running_mean").into(), (mean, momentum));
        updates.insert(format!("{layer}.running_var").into(), (variance, momentum));
    }
    if updates.is_empty() {
        return network;
    }
    map(network, Layout::Stored, |info, running| match updates.remove(&info.path) {
        Some((batch, momentum)) => running * (1.0 - momentum) + batch.inner() * momentum,
        None => running,
    })
}
