//! Masks, brought to where the numbers are.

use std::collections::BTreeMap;

use burn::{
    prelude::Device,
    tensor::{Bool, Tensor, TensorData},
};
use sapwood_core::{Gradients, Layout, Masks, Network, ParamInfo, ParamPath, Role, infos, map};

use crate::{Error, optimizer::Memory};

/// The masks of a run, and for each which values are dead, flat and in the stored
/// order, made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masking {
    masks: Masks,
    dead: BTreeMap<ParamPath, Tensor<1, Bool>>,
}

impl Masking {
    /// Masks for a network, each of which must have its trained parameter.
    pub(crate) fn new<N: Network>(network: &N, masks: Masks, device: &Device) -> Result<Self, Error> {
        let known: BTreeMap<ParamPath, ParamInfo> =
            infos(network).into_iter().map(|info| (info.path.clone(), info)).collect();
        let mut dead = BTreeMap::new();
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
            let kept = Tensor::from_data(TensorData::new(values, [mask.len()]), device);
            dead.insert(path.clone(), info.reorder(kept, Layout::Torch, Layout::Stored).equal_elem(0.0));
        }
        Ok(Self { masks, dead })
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Removes the gradient of every masked weight. This is the only place where
    /// gradients meet masks: what is before it is dense.
    pub(crate) fn silence(&self, gradients: &mut Gradients) {
        for (path, dead) in &self.dead {
            if let Some(gradient) = gradients.remove(path) {
                gradients.insert(path.clone(), without(gradient, dead));
            }
        }
    }

    /// Sets masked weights to zero.
    pub(crate) fn prune<N: Network>(&self, network: N) -> N {
        if self.dead.is_empty() {
            return network;
        }
        map(network, Layout::Stored, |info, value| match self.dead.get(&info.path) {
            Some(dead) => without(value, dead),
            None => value,
        })
    }

    /// Makes the optimiser forget masked weights.
    pub(crate) fn forget(&self, memory: &mut Memory) {
        for (path, dead) in &self.dead {
            if let Some(slots) = memory.0.get_mut(path) {
                for slot in slots.tensors.values_mut() {
                    *slot = without(slot.clone(), dead);
                }
            }
        }
    }
}

/// Not a product, which would leave negative zeros and make infinities into what
/// is not a number.
fn without(values: Tensor<1>, dead: &Tensor<1, Bool>) -> Tensor<1> {
    values.mask_fill(dead.clone(), 0.0)
}
