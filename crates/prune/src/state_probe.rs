//! The probe of weights of which no network is known.

use burn::tensor::Tensor;
use sapwood_core::{Batch, ExampleShape, Graph, Norm, ParamInfo};

use crate::{Error, Needs, ParamTensors, Probe, Response};

/// A [`Probe`] of a state dict: it gives the weights, which is all that magnitude and random scores ask for, and
/// refuses what only a network can answer.
#[derive(Clone, Debug)]
pub struct StateProbe {
    infos: Vec<ParamInfo>,
    weights: ParamTensors,
}

impl StateProbe {
    /// A probe of these weights, flat and in PyTorch's layout, which are zero where they are masked.
    ///
    /// # Errors
    /// A weight without values, or with another number of them than its shape asks for.
    pub fn new(infos: Vec<ParamInfo>, weights: ParamTensors) -> Result<Self, Error> {
        for info in infos.iter().filter(|info| info.role.is_weight()) {
            let (expected, found) = (info.len(), weights.get(&info.path)?.dims()[0]);
            if expected != found {
                return Err(Error::ScoreCount { path: info.path.clone(), expected, found });
            }
        }
        Ok(Self { infos, weights })
    }
}

impl Probe for StateProbe {
    fn infos(&self) -> &[ParamInfo] {
        &self.infos
    }

    fn weights(&self) -> Result<ParamTensors, Error> {
        Ok(self.weights.clone())
    }

    fn examples(&self) -> Result<&[Batch], Error> {
        Err(Error::Unmet { need: Needs::Gradient })
    }

    fn input_shape(&self) -> Result<ExampleShape, Error> {
        Err(Error::Unmet { need: Needs::InputShape })
    }

    fn graph(&self) -> Result<&Graph, Error> {
        Err(Error::Unmet { need: Needs::Graph })
    }

    fn gradient(&self, _: Response<'_>, _: Norm, _: Option<&ParamTensors>) -> Result<ParamTensors, Error> {
        Err(Error::Unmet { need: Needs::Gradient })
    }

    fn layer_inputs(
        &self,
        _: &Batch,
        _: Option<&ParamTensors>,
        _: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), Error> {
        Err(Error::Unmet { need: Needs::LayerInputs })
    }
}
