//! What a cut leaves.

use burn::module::Module;
use sapwood_core::{Layout, graph, infos, map};

use crate::{Error, MaskSet, ParamTensors, Warning, mask_set::mismatch};

/// Masks, and what the kept weights become where the criterion changes them.
#[derive(Clone, Debug)]
pub struct Pruned {
    /// Which weights are kept.
    pub masks: MaskSet,
    /// New values of some weights, flat and in PyTorch's layout.
    pub weights: Option<ParamTensors>,
    /// Why the masks may not be what one expects: what the scores did not say, and what was left dense.
    pub warnings: Vec<Warning>,
}

impl Pruned {
    /// These masks, and the weights as they are.
    pub fn to(masks: MaskSet) -> Self {
        Self { masks, weights: None, warnings: Vec::new() }
    }

    /// The network with the new weights, and every masked one set to zero.
    ///
    /// # Errors
    /// Those of [`MaskSet::fits`]; [`Error::Core`] for new weights without a parameter of their name, or of another
    /// number than it has.
    pub fn apply<M: Module>(&self, network: M) -> Result<M, Error> {
        let Some(weights) = &self.weights else { return self.masks.apply(network) };
        let infos = infos(&network);
        self.masks.fits_params(&infos)?;
        let mismatch = mismatch(weights.iter().map(|(path, new)| (path, new.dims()[0])), &infos);
        if !mismatch.is_empty() {
            return Err(graph::Error::Mismatch(mismatch).into());
        }
        let network = map(network, Layout::Torch, |info, old| match weights.find(&info.path) {
            Some(new) => new.clone().to_device(&old.device()).cast(old.dtype()),
            None => old,
        });
        self.masks.apply(network)
    }
}
