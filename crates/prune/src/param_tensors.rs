//! Tensors by parameter, and the arithmetic that criteria do with them.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use sapwood_core::{Batch, ParamPath};

use crate::{Error, Prunable};

/// One flat tensor per parameter, with an error instead of a panic for one that
/// is not there.
#[derive(Clone, Debug, Default)]
pub struct ParamTensors(BTreeMap<ParamPath, Tensor<1>>);

impl ParamTensors {
    /// The tensor of a parameter.
    ///
    /// # Shapes
    /// `[number of values]`
    ///
    /// # Errors
    /// [`Error::NoParameter`].
    pub fn get(&self, path: &ParamPath) -> Result<Tensor<1>, Error> {
        self.find(path).cloned().ok_or_else(|| Error::NoParameter { path: path.clone() })
    }

    /// The tensor of a parameter, where there is one.
    pub fn find(&self, path: &ParamPath) -> Option<&Tensor<1>> {
        self.0.get(path)
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&ParamPath, &Tensor<1>)> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are prunable.
    ///
    /// # Errors
    /// [`Error::NoParameter`] for a prunable parameter without a tensor.
    pub fn of(&self, prunable: &Prunable) -> Result<Self, Error> {
        prunable.params().iter().map(|info| Ok((info.path.clone(), self.get(&info.path)?))).collect()
    }

    /// These, with others in the place of some, or beside them.
    pub fn overlaid(&self, by: &Self) -> Self {
        self.0.iter().chain(&by.0).map(|(path, tensor)| (path.clone(), tensor.clone())).collect()
    }

    /// Each changed alone.
    pub fn map(self, f: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        self.0.into_iter().map(|(path, tensor)| (path, f(tensor))).collect()
    }

    /// Each with its namesake in `other`, which may have more.
    ///
    /// # Errors
    /// [`Error::NoParameter`] for a tensor without a namesake.
    pub fn zip(self, other: &Self, f: impl Fn(Tensor<1>, Tensor<1>) -> Tensor<1>) -> Result<Self, Error> {
        self.0
            .into_iter()
            .map(|(path, tensor)| {
                let second = other.get(&path)?;
                Ok((path, f(tensor, second)))
            })
            .collect()
    }

    /// The product with the namesake in `other`.
    ///
    /// # Errors
    /// Those of [`ParamTensors::zip`].
    pub fn times(self, other: &Self) -> Result<Self, Error> {
        self.zip(other, |a, b| a * b)
    }

    /// The absolute values.
    pub fn abs(self) -> Self {
        self.map(Tensor::abs)
    }

    /// The Euclidean norm of all together, still on the device.
    ///
    /// # Shapes
    /// `[1]`
    pub fn norm(&self) -> Option<Tensor<1>> {
        let squares = self.0.values().map(|tensor| ordered::sum(tensor.clone().square()));
        squares.reduce(|a, b| a + b).map(Tensor::sqrt)
    }
}

impl FromIterator<(ParamPath, Tensor<1>)> for ParamTensors {
    fn from_iter<T: IntoIterator<Item = (ParamPath, Tensor<1>)>>(tensors: T) -> Self {
        Self(tensors.into_iter().collect())
    }
}

/// The mean over batches, each weighted by its number of examples:
/// `sum over b of n_b f(b) / sum over b of n_b`.
///
/// # Errors
/// What `f` refuses; [`Error::NoParameter`] where a batch lacks a parameter that the first one has.
pub fn mean_over_examples(
    batches: &[Batch],
    mut f: impl FnMut(&Batch) -> Result<ParamTensors, Error>,
) -> Result<ParamTensors, Error> {
    let examples: usize = batches.iter().map(Batch::len).sum();
    let mut mean: Option<ParamTensors> = None;
    for batch in batches.iter().filter(|batch| !batch.is_empty()) {
        let found = f(batch)?;
        mean = Some(match mean {
            // A mean of one is left to the bit.
            None if batch.len() == examples => found,
            None => found.map(|x| x * (batch.len() as f64 / examples as f64)),
            Some(mean) => {
                let share = batch.len() as f64 / examples as f64;
                mean.zip(&found, |mean, x| mean + x * share)?
            }
        });
    }
    Ok(mean.unwrap_or_default())
}
