//! What a criterion may ask of a network.

use std::fmt;

use burn::tensor::Tensor;
use sapwood_core::{Batch, BatchInput, ExampleShape, Graph, Norm, ParamInfo};

use crate::{Error, ParamTensors};

/// What a criterion asks beyond the weights, which every probe has. Each includes
/// nothing of the others: a criterion names the most that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// The weights alone.
    Weights,
    /// The shape of an input, to make one of its own.
    InputShape,
    /// The layers and how they connect, from a network that shows them.
    Graph,
    /// The gradient of the loss, for which the probe needs examples.
    Gradient,
    /// What comes into each layer: examples, and a network that shows its layers.
    LayerInputs,
}

impl Needs {
    /// Whether examples have to be given.
    pub fn examples(self) -> bool {
        matches!(self, Self::Gradient | Self::LayerInputs)
    }

    /// What to do where it is missing.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Weights => "take a probe of a network",
            Self::InputShape => "give it with `NetworkProbe::with_input_shape`",
            Self::Gradient => "give it at least one batch with `NetworkProbe::with_examples`",
            Self::Graph => "implement `Observed` for the network, and use `NetworkProbe::observed`",
            Self::LayerInputs => {
                "implement `Observed` for the network, use `NetworkProbe::observed`, and give it at least one \
                 batch with `NetworkProbe::with_examples`"
            }
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "the weights",
            Self::InputShape => "the shape of an input",
            Self::Gradient => "the gradient of the loss",
            Self::Graph => "the graph of the layers",
            Self::LayerInputs => "the inputs of the layers",
        })
    }
}

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
    fn weights(&self) -> Result<ParamTensors, Error>;

    /// The weights where it stood before a pruning in several rounds began. The
    /// same as [`Probe::weights`] where there are no rounds.
    fn initial_weights(&self) -> Result<ParamTensors, Error> {
        self.weights()
    }

    /// The batches to score with, at least one.
    fn examples(&self) -> Result<&[Batch], Error>;

    /// The shape of one example.
    fn input_shape(&self) -> Result<ExampleShape, Error>;

    /// The layers and their connections.
    fn graph(&self) -> Result<&Graph, Error>;

    /// The gradient of a response, for every parameter; zero for one that is
    /// frozen or that the response does not depend on. It is taken where the
    /// network stands, or with the parameters and buffers in `at` in the place of
    /// its own.
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
    fn layer_inputs(
        &self,
        batch: &Batch,
        at: Option<&ParamTensors>,
        see: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), Error>;
}
