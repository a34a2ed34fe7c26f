//! Telling a reporter about work that goes batch by batch.

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::block_on;
use sapwood_core::{Batch, ExampleShape, Graph, Network, Norm, ParamInfo, Source};
use sapwood_prune::{ParamTensors, Probe, Response};
use sapwood_train::{Evaluation, evaluate_watched};

use crate::{Error, Reporter};

/// A network that is looked at batch by batch, of which each counts as one unit when it is asked for.
pub struct Watched<'a> {
    /// What is asked.
    pub inner: &'a dyn Probe,
    /// Who is told.
    pub reporter: &'a dyn Reporter,
}

/// [`sapwood_train::evaluate_watched`], waited for.
///
/// # Errors
/// Batches that cannot be made, or whose inputs or targets are not the network's; no examples; a device that fails.
pub fn evaluate<N: Network>(
    network: &N,
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Evaluation, Error> {
    Ok(block_on(evaluate_watched(network, source, device, reporter))?)
}

impl Probe for Watched<'_> {
    fn infos(&self) -> &[ParamInfo] {
        self.inner.infos()
    }

    fn weights(&self) -> Result<ParamTensors, sapwood_prune::Error> {
        self.inner.weights()
    }

    fn examples(&self) -> Result<&[Batch], sapwood_prune::Error> {
        self.inner.examples()
    }

    fn input_shape(&self) -> Result<ExampleShape, sapwood_prune::Error> {
        self.inner.input_shape()
    }

    fn graph(&self) -> Result<&Graph, sapwood_prune::Error> {
        self.inner.graph()
    }

    fn gradient(
        &self,
        of: Response<'_>,
        norm: Norm,
        at: Option<&ParamTensors>,
    ) -> Result<ParamTensors, sapwood_prune::Error> {
        let gradient = self.inner.gradient(of, norm, at);
        self.reporter.advance(1);
        gradient
    }

    fn layer_inputs(
        &self,
        batch: &Batch,
        at: Option<&ParamTensors>,
        see: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), sapwood_prune::Error> {
        self.inner.layer_inputs(batch, at, see)
    }
}
