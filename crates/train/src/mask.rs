//! Masks, brought to where the numbers are.

use std::collections::BTreeMap;

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use sapwood_core::{Gradients, Layout, Masks, Network, ParamInfo, ParamPath, Role, infos, map};

use crate::{Error, optimizer::Memory};

/// The masks of a run, with one float tensor of zeros and ones for each, flat
/// and in the stored order, made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masking {
    masks: Masks,
    factors: BTreeMap<ParamPath, Tensor<1>>,
}

impl Masking {
    /// Masks for a network, each of which must have its trained parameter.
    pub(crate) fn new<N: Network>(network: &N, masks: Masks, device: &Device) -> Result<Self, Error> {
        let known: BTreeMap<ParamPath, ParamInfo> =
            infos(network).into_iter().map(|info| (info.path.clone(), info)).collect();
        let mut factors = BTreeMap::new();
        for (path, mask) in &masks {
            let info = match known.get(path) {
                Some(info) if info.role != Role::Buffer => info,
                _ => return Err(Error::MaskOfNothing { path: path.clone() }),
            };
            if mask.len() != info.len() {
                let (expected, found) = (info.len(), mask.len());
                return Err(Error::MaskLength { path: path.clone(), expected, found });
            }
            let values: Vec<f32> = mask.iter().map(|keep| f32::from(u8::from(keep))).collect();
            let factor = Tensor::from_data(TensorData::new(values, [mask.len()]), device);
            factors.insert(path.clone(), info.reorder(factor, Layout::Torch, Layout::Stored));
        }
        Ok(Self { masks, factors })
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Removes the gradient of every masked weight. This is the only place where
    /// gradients meet masks: what is before it is dense.
    pub(crate) fn silence(&self, gradients: &mut Gradients) {
        for (path, factor) in &self.factors {
            if let Some(gradient) = gradients.remove(path) {
                gradients.insert(path.clone(), gradient * factor.clone());
            }
        }
    }

    /// Sets masked weights to zero.
    pub(crate) fn prune<N: Network>(&self, network: N) -> N {
        if self.factors.is_empty() {
            return network;
        }
        map(network, Layout::Stored, |info, value| match self.factors.get(&info.path) {
            // Not a product, which would leave negative zeros and spread what is
            // not a number.
            Some(factor) => value.mask_fill(factor.clone().equal_elem(0.0), 0.0),
            None => value,
        })
    }

    /// Makes the optimiser forget masked weights.
    pub(crate) fn forget(&self, memory: &mut Memory) {
        for (path, factor) in &self.factors {
            if let Some(slots) = memory.0.get_mut(path) {
                for slot in slots.tensors.values_mut() {
                    *slot = slot.clone().mask_fill(factor.clone().equal_elem(0.0), 0.0);
                }
            }
        }
    }
}
