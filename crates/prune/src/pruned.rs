//! What a cut leaves.

use burn::module::Module;
use sapwood_core::{Layout, map};

use crate::{Error, MaskSet, ParamTensors};

/// Masks, and what the kept weights become where the criterion changes them.
#[derive(Clone, Debug)]
pub struct Pruned {
    /// Which weights are kept.
    pub masks: MaskSet,
    /// New values of some weights, flat and in PyTorch's layout.
    pub weights: Option<ParamTensors>,
}

impl Pruned {
    /// The network with the new weights, and every masked one set to zero.
    pub fn apply<M: Module>(&self, network: M) -> Result<M, Error> {
        let network = match &self.weights {
            None => network,
            Some(weights) => map(network, Layout::Torch, |info, old| match weights.find(&info.path) {
                Some(new) => new.clone().to_device(&old.device()).cast(old.dtype()),
                None => old,
            }),
        };
        self.masks.apply(network)
    }
}
