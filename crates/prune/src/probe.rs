//! What a criterion may ask of a network.

use burn::tensor::Tensor;
use sapwood_core::{Batch, BatchInput, ExampleShape, Graph, Norm, ParamInfo};

use crate::{Error, ParamTensors};

/// A number that a network gives, and that can be differentiated by its weights.
#[derive(Clone, Copy, Debug)]
pub enum Response<'a> {
    /// The mean loss of a batch, after the logits were divided by a temperature.
    Loss {
        /// The examples.
        batch: &'a Batch,
        /// 1, or more for a softer softmax.
        temperature: f64,
    },
    /// The sum of all outputs for these inputs.
    Outputs(&'a [BatchInput]),
}

impl<'a> Response<'a> {
    /// The mean loss of a batch.
    pub fn loss(batch: &'a Batch) -> Self {
        Self::Loss { batch, temperature: 1.0 }
    }
}

/// What a criterion may ask of a network. Asking never changes the network, and
/// the network's type does not show, so that a criterion is one plain type too.
///
/// All tensors are flat, in PyTorch's layout, and without autodiff. What a probe
/// cannot give it refuses with [`Error::Unmet`].
pub trait Probe {
    /// The parameters and buffers.
    fn infos(&self) -> &[ParamInfo];

    /// The weights where the network stands: zero where masked.
    ///
    /// # Errors
    /// [`Error::Unmet`].
    fn weights(&self) -> Result<ParamTensors, Error>;

    /// The weights where it stood before a pruning in several rounds began. The
    /// same as [`Probe::weights`] where there are no rounds.
    ///
    /// # Errors
    /// [`Error::Unmet`].
    fn initial_weights(&self) -> Result<ParamTensors, Error> {
        self.weights()
    }

    /// The batches to score with, at least one.
    ///
    /// # Errors
    /// [`Error::Unmet`] where there are none.
    fn examples(&self) -> Result<&[Batch], Error>;

    /// The shape of one example.
    ///
    /// # Errors
    /// [`Error::Unmet`].
    fn input_shape(&self) -> Result<ExampleShape, Error>;

    /// The layers and their connections.
    ///
    /// # Errors
    /// [`Error::Unmet`].
    fn graph(&self) -> Result<&Graph, Error>;

    /// The gradient of a response, for every parameter; zero for one that is
    /// frozen or that the response does not depend on. It is taken where the
    /// network stands, or with the parameters and buffers in `at` in the place of
    /// its own.
    ///
    /// # Errors
    /// [`Error::Unmet`]; examples that the network does not take; a device that fails.
    fn gradient(
        &self,
        of: Response<'_>,
        norm: Norm,
        at: Option<&ParamTensors>,
    ) -> Result<ParamTensors, Error>;

    /// Shows `see` the input of each layer, by the layer's path, as a batch passes
    /// through the network in evaluation mode: where it stands, or with the values
    /// in `at`.
    ///
    /// # Shapes
    /// `[N, C, H, W]`; linear layers see `[N, C, 1, 1]`.
    ///
    /// # Errors
    /// [`Error::Unmet`]; examples that the network does not take.
    fn layer_inputs(
        &self,
        batch: &Batch,
        at: Option<&ParamTensors>,
        see: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), Error>;
}
