//! The probe of a network.

use burn::tensor::Tensor;
use sapwood_core::{
    Batch, Gradients, Layout, Network, Norm, ParamInfo, Pass, Role, gradients, loss, tensors,
};

use crate::{Error, Needs, ParamTensors, Probe};

/// A [`Probe`] of any [`Network`], and of the examples that it may be scored with.
#[derive(Debug)]
pub struct NetworkProbe<'a, N> {
    network: &'a N,
    infos: Vec<ParamInfo>,
    examples: &'a [Batch],
}

impl<'a, N: Network> NetworkProbe<'a, N> {
    /// A probe without examples: enough for criteria that look at the weights alone.
    pub fn new(network: &'a N) -> Self {
        // Burn initialises parameters when they are first used. Looking at the
        // values now makes the copies that are differentiated copies of these.
        let infos = tensors(network, Layout::Stored).into_iter().map(|(info, _)| info).collect();
        Self { network, infos, examples: &[] }
    }

    /// The same probe, with these batches to score with.
    pub fn with_examples(self, examples: &'a [Batch]) -> Self {
        Self { examples, ..self }
    }
}

impl<N: Network> Probe for NetworkProbe<'_, N> {
    fn infos(&self) -> &[ParamInfo] {
        &self.infos
    }

    fn weights(&self) -> Result<ParamTensors, Error> {
        Ok(tensors(self.network, Layout::Torch).into_iter().map(|(info, value)| (info.path, value)).collect())
    }

    fn examples(&self) -> Result<&[Batch], Error> {
        match self.examples {
            [] => Err(Error::Unmet { need: Needs::Gradient }),
            examples => Ok(examples),
        }
    }

    fn gradient(&self, batch: &Batch, norm: Norm) -> Result<ParamTensors, Error> {
        // A copy with a tape of its own, whether or not the network has one. It is
        // no mere clone, which would share the running statistics of Burn's own
        // normalisation layers, and those are updated in the forward pass.
        let network = self.network.valid().train();
        let values = tensors(&network, Layout::Torch);
        let Some((_, first)) = values.first() else { return Ok(ParamTensors::default()) };
        let input = batch.tensor(&first.device()).cast(first.dtype());
        let loss = loss(network.forward(input, &mut Pass::new(norm)), &batch.target, 0.0)?;
        let mut found = match loss.is_tracked() {
            true => gradients(&network, loss, Layout::Torch),
            false => Gradients::new(),
        };
        let trained = values.into_iter().filter(|(info, _)| info.role != Role::Buffer);
        let gradient = |(info, value): (ParamInfo, Tensor<1>)| {
            let gradient = found.remove(&info.path).unwrap_or_else(|| value.zeros_like());
            (info.path, gradient)
        };
        Ok(trained.map(gradient).collect())
    }
}
