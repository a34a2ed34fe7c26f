//! The values of a Burn module on the host.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    tensor::{Tensor, TensorData},
};
use sapwood_backend::read_all;

use crate::{Array, Error, Layout, Mismatch, State, array, graph, infos, map, tensor_data, tensors};

/// Reads a [`State`] from a module and writes it into one. It has no other implementation.
pub trait ModuleState: Sized {
    /// Reads a network.
    fn read<M: Module>(network: &M) -> impl Future<Output = Result<Self, Error>>;

    /// The network with these values. Every parameter and buffer of the network
    /// must be here in its shape, and nothing else may be.
    ///
    /// # Errors
    /// All that differs, in one.
    fn write<M: Module>(&self, network: M) -> Result<M, Error>;

    /// How these values differ from what the network has, in names and shapes.
    fn compare<M: Module>(&self, network: &M) -> Mismatch;
}

impl ModuleState for State {
    async fn read<M: Module>(network: &M) -> Result<Self, Error> {
        let (infos, values): (Vec<_>, Vec<_>) = tensors(network, Layout::Torch).into_iter().unzip();
        let values = read_all(values).await?;
        let shaped = infos.into_iter().zip(values);
        let shaped = shaped.map(|(info, value)| Ok((info.path, array(value)?.reshape(info.shape)?)));
        Ok(Self(shaped.collect::<Result<_, Error>>()?))
    }

    fn write<M: Module>(&self, network: M) -> Result<M, Error> {
        let mismatch = self.compare(&network);
        if !mismatch.is_empty() {
            return Err(graph::Error::Mismatch(mismatch).into());
        }
        Ok(map(network, Layout::Torch, |info, old| match self.0.get(&info.path) {
            Some(new) => Tensor::<1>::from_data(flat(new), (&old.device(), old.dtype())),
            None => old,
        }))
    }

    fn compare<M: Module>(&self, network: &M) -> Mismatch {
        let mut mismatch = Mismatch::default();
        let mut unexpected: BTreeMap<_, _> = self.0.iter().collect();
        for info in infos(network) {
            match unexpected.remove(&info.path) {
                None => mismatch.missing.push(info.path),
                Some(value) if value.shape() != info.shape => {
                    mismatch.misshapen.push((info.path, info.shape, value.shape().to_vec()));
                }
                Some(_) => {}
            }
        }
        mismatch.unexpected = unexpected.into_keys().cloned().collect();
        mismatch
    }
}

/// A copy in one row.
fn flat(value: &Array) -> TensorData {
    let (bytes, shape, dtype) = tensor_data(value.clone()).into_parts();
    TensorData::from_bytes(bytes, [shape.num_elements()], dtype)
}
