//! All values of a network, on the host.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    tensor::{Tensor, TensorData},
};
use sapwood_backend::read_all;

use crate::{Bits, Error, Layout, Masks, Mismatch, ParamPath, graph, infos, map, tensors};

/// The parameters and buffers of a network on the host, under PyTorch's names
/// and in PyTorch's layouts: its `state_dict`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(pub BTreeMap<ParamPath, TensorData>);

impl State {
    /// Reads a network.
    pub async fn read<M: Module>(network: &M) -> Result<Self, Error> {
        let (infos, values): (Vec<_>, Vec<_>) = tensors(network, Layout::Torch).into_iter().unzip();
        let values = read_all(values).await?;
        let shaped = infos.into_iter().zip(values).map(|(info, value)| (info.path, shape(value, info.shape)));
        Ok(Self(shaped.collect()))
    }

    /// The network with these values. Every parameter and buffer of the network
    /// must be here in its shape, and nothing else may be.
    pub fn write<M: Module>(&self, network: M) -> Result<M, Error> {
        let mismatch = self.compare(&network);
        if !mismatch.is_empty() {
            return Err(graph::Error::Mismatch(mismatch).into());
        }
        Ok(map(network, Layout::Torch, |info, old| match self.0.get(&info.path) {
            Some(new) => Tensor::from_data(shape(new.clone(), [info.len()]), (&old.device(), old.dtype())),
            None => old,
        }))
    }

    /// How these values differ from what the network has, in names and shapes.
    pub fn compare<M: Module>(&self, network: &M) -> Mismatch {
        let mut mismatch = Mismatch::default();
        let mut unexpected: BTreeMap<_, _> = self.0.iter().collect();
        for info in infos(network) {
            match unexpected.remove(&info.path) {
                None => mismatch.missing.push(info.path),
                Some(value) if value.shape().as_slice() != info.shape => {
                    mismatch.misshapen.push((info.path, info.shape, value.shape().to_vec()));
                }
                Some(_) => {}
            }
        }
        mismatch.unexpected = unexpected.into_keys().cloned().collect();
        mismatch
    }

    /// Sets the masked weights to zero. Every mask must have its weight.
    pub fn apply(&mut self, masks: &Masks) -> Result<(), Error> {
        let mut mismatch = Mismatch::default();
        for (path, mask) in masks {
            match self.0.get_mut(path) {
                None => mismatch.unexpected.push(format!("{path}_mask").into()),
                Some(value) if value.num_elements() != mask.len() => {
                    mismatch.misshapen.push((
                        format!("{path}_mask").into(),
                        value.shape().to_vec(),
                        vec![mask.len()],
                    ));
                }
                Some(value) => *value = zeroed(value, mask),
            }
        }
        if mismatch.is_empty() { Ok(()) } else { Err(graph::Error::Mismatch(mismatch).into()) }
    }
}

/// The same values in another shape of the same size.
fn shape(value: TensorData, shape: impl Into<burn::tensor::Shape>) -> TensorData {
    let (bytes, _, dtype) = value.into_parts();
    TensorData::from_bytes(bytes, shape, dtype)
}

fn zeroed(value: &TensorData, mask: &Bits) -> TensorData {
    let kept: Vec<f64> =
        value.iter::<f64>().zip(mask.iter()).map(|(x, keep)| if keep { x } else { 0.0 }).collect();
    TensorData::new(kept, value.shape().clone()).convert_dtype(value.dtype())
}
