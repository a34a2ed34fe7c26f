//! What a criterion says of each weight.

use burn::tensor::Tensor;
use sapwood_backend::read_all;
use sapwood_core::{ParamInfo, ParamPath};

use crate::{Error, ParamTensors, Prunable};

/// One score per prunable weight, still on the device: what a criterion returns.
/// Higher means keep, whatever the criterion.
#[derive(Clone, Debug)]
pub struct ScoreTensors {
    prunable: Prunable,
    tensors: Vec<Tensor<1>>,
}

impl ScoreTensors {
    /// These scores, one tensor for each prunable parameter.
    pub fn new(prunable: &Prunable, scores: ParamTensors) -> Result<Self, Error> {
        Self::try_from_fn(prunable, |info| scores.get(&info.path))
    }

    /// The scores that `score` gives to each parameter.
    ///
    /// # Shapes
    /// `score` returns `[number of weights]`, in PyTorch's layout.
    pub fn try_from_fn(
        prunable: &Prunable,
        mut score: impl FnMut(&ParamInfo) -> Result<Tensor<1>, Error>,
    ) -> Result<Self, Error> {
        let mut tensors = Vec::new();
        for info in prunable.params() {
            let tensor = score(info)?;
            check_count(info, tensor.dims()[0])?;
            tensors.push(tensor);
        }
        Ok(Self { prunable: prunable.clone(), tensors })
    }

    /// Reads the scores.
    pub async fn read(self) -> Result<Scores, Error> {
        let mut values = read_all(self.tensors).await?.into_iter();
        Scores::try_from_fn(&self.prunable, |_| {
            values.next().map_or_else(Vec::new, |data| data.iter::<f64>().collect())
        })
    }
}

/// One score per prunable weight, on the host and ready to be ranked: all finite,
/// higher means keep. Scores of any precision are widened to f64, which changes
/// neither a value nor a tie.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    prunable: Prunable,
    values: Vec<Vec<f64>>,
}

impl Scores {
    /// The scores that `score` gives to each parameter, in PyTorch's row-major
    /// order.
    pub fn try_from_fn(
        prunable: &Prunable,
        mut score: impl FnMut(&ParamInfo) -> Vec<f64>,
    ) -> Result<Self, Error> {
        let mut values = Vec::new();
        for info in prunable.params() {
            let scores = score(info);
            check_count(info, scores.len())?;
            check_finite(info, &scores)?;
            values.push(scores);
        }
        Ok(Self { prunable: prunable.clone(), values })
    }

    /// The scores of the other end of the ranking.
    pub fn negated(&self) -> Self {
        let negated = |scores: &Vec<f64>| scores.iter().map(|score| -score).collect();
        Self { prunable: self.prunable.clone(), values: self.values.iter().map(negated).collect() }
    }

    /// The parameters that have scores.
    pub fn prunable(&self) -> &Prunable {
        &self.prunable
    }

    /// The scores of one parameter.
    pub fn get(&self, path: &ParamPath) -> Option<&[f64]> {
        self.iter().find(|(info, _)| info.path == *path).map(|(_, scores)| scores)
    }

    /// The scores of each parameter, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&ParamInfo, &[f64])> {
        self.prunable.params().iter().zip(self.values.iter().map(Vec::as_slice))
    }
}

fn check_count(info: &ParamInfo, found: usize) -> Result<(), Error> {
    if found == info.len() {
        return Ok(());
    }
    Err(Error::ScoreCount { path: info.path.clone(), expected: info.len(), found })
}

fn check_finite(info: &ParamInfo, scores: &[f64]) -> Result<(), Error> {
    let Some(index) = scores.iter().position(|score| !score.is_finite()) else { return Ok(()) };
    let count = scores.iter().filter(|score| !score.is_finite()).count();
    Err(Error::NotFinite { path: info.path.clone(), count, index, found: scores[index] })
}
