//! Running statistics of batch normalisation.

use std::collections::BTreeMap;

use burn::{module::Module, tensor::Tensor};

use crate::{Layout, ParamPath, map};

/// The statistics of one batch in one normalisation layer.
#[derive(Clone, Debug)]
pub struct Moments {
    /// The layer's path, `layer1.0.bn1`.
    pub layer: String,
    /// The values of each channel that they were taken of.
    pub count: usize,
    /// The mean of each channel, `[C]`.
    pub mean: Tensor<1>,
    /// The *biased* variance of each channel, `[C]`.
    pub variance: Tensor<1>,
    /// The weight of the new value in the running one.
    pub momentum: f64,
}

/// Adds the statistics of a training pass to the running ones:
/// `running = (1 - momentum) * running + momentum * batch`, PyTorch's rule, with
/// the unbiased variance of the batch. Of a single value, as in a last batch of one example,
/// there is no such variance, and nothing is added (PyTorch ends there). Statistics of fewer
/// channels than the layer has are those of its first.
pub fn absorb<M: Module>(network: M, moments: Vec<Moments>) -> M {
    let mut updates: BTreeMap<ParamPath, Vec<(Tensor<1>, f64)>> = BTreeMap::new();
    for Moments { layer, count, mean, variance, momentum } in moments {
        if count > 1 {
            let unbiased = variance * (count as f64 / (count as f64 - 1.0));
            let mut update = |name: &str, value: Tensor<1>| {
                updates.entry(ParamPath::of(&layer, name)).or_default().push((value.inner(), momentum));
            };
            update("running_mean", mean);
            update("running_var", unbiased);
        }
    }
    if updates.is_empty() {
        return network;
    }
    map(network, Layout::Stored, |info, running| {
        let updates = updates.remove(&info.path).unwrap_or_default();
        updates.into_iter().fold(running, |running, (batch, momentum)| {
            let channels = batch.dims()[0];
            if channels == info.len() {
                return running * (1.0 - momentum) + batch * momentum;
            }
            let first = running.clone().narrow(0, 0, channels) * (1.0 - momentum) + batch * momentum;
            running.slice_assign(0..channels, first)
        })
    })
}
