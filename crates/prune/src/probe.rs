//! What a criterion may ask of a network.

use std::{collections::BTreeMap, fmt};

use burn::tensor::Tensor;
use sapwood_core::{Batch, Norm, ParamInfo, ParamPath};

use crate::Error;

/// What a criterion asks beyond the names and shapes of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// The weights alone, which every probe has.
    Weights,
    /// The gradient of the loss, for which the probe needs examples.
    Gradient,
}

impl Needs {
    /// What to do where it is missing.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Weights => "take a probe of a network",
            Self::Gradient => "give it at least one batch with `NetworkProbe::with_examples`",
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "the weights",
            Self::Gradient => "the gradient of the loss",
        })
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

    /// The stored weights (zero where masked).
    fn weights(&self) -> Result<ParamTensors, Error>;

    /// The batches to score with, at least one.
    fn examples(&self) -> Result<&[Batch], Error>;

    /// The gradient of the mean loss of a batch, for every parameter; zero for one
    /// that is frozen or that the loss does not depend on.
    fn gradient(&self, batch: &Batch, norm: Norm) -> Result<ParamTensors, Error>;
}

/// One flat tensor per parameter, with an error instead of a panic for one that
/// is not there.
#[derive(Clone, Debug, Default)]
pub struct ParamTensors(BTreeMap<ParamPath, Tensor<1>>);

impl ParamTensors {
    /// The tensor of a parameter.
    ///
    /// # Shapes
    /// `[number of values]`
    pub fn get(&self, path: &ParamPath) -> Result<Tensor<1>, Error> {
        self.0.get(path).cloned().ok_or_else(|| Error::NoParameter { path: path.clone() })
    }
}

impl FromIterator<(ParamPath, Tensor<1>)> for ParamTensors {
    fn from_iter<T: IntoIterator<Item = (ParamPath, Tensor<1>)>>(tensors: T) -> Self {
        Self(tensors.into_iter().collect())
    }
}
