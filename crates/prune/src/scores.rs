//! What a criterion says of each weight.

use std::{fmt, sync::Arc};

use burn::tensor::{DType, Tensor};
use sapwood_backend::read_all;
use sapwood_core::{ParamInfo, ParamPath};

use crate::{Error, ParamTensors, Prunable};

/// One score per prunable weight, still on the device: what a criterion returns.
/// Higher means keep, whatever the criterion.
#[derive(Clone)]
pub struct ScoreTensors {
    prunable: Prunable,
    /// One for each prunable parameter.
    parts: Vec<Part>,
}

/// The scores of one parameter: tensors, and what makes scores of their values where these are not
/// the scores.
#[derive(Clone)]
struct Part {
    tensors: Vec<Tensor<1>>,
    finish: Option<Arc<Finish>>,
}

/// Makes scores of the values of tensors.
type Finish = dyn Fn(&[Vec<f64>]) -> Result<Vec<f64>, Error> + Send + Sync;

impl ScoreTensors {
    /// These scores, one tensor for each prunable parameter.
    ///
    /// # Errors
    /// [`Error::NoParameter`] for a parameter without scores; [`Error::ScoreCount`].
    pub fn new(prunable: &Prunable, scores: ParamTensors) -> Result<Self, Error> {
        Self::try_from_fn(prunable, |info| scores.get(&info.path))
    }

    /// The scores that `score` gives to each parameter.
    ///
    /// # Shapes
    /// `score` returns `[number of weights]`, in PyTorch's layout.
    ///
    /// # Errors
    /// What `score` refuses; [`Error::ScoreCount`].
    pub fn try_from_fn(
        prunable: &Prunable,
        mut score: impl FnMut(&ParamInfo) -> Result<Tensor<1>, Error>,
    ) -> Result<Self, Error> {
        let mut parts = Vec::new();
        for info in prunable.params() {
            let tensor = score(info)?;
            check_count(info, tensor.dims()[0])?;
            parts.push(Part { tensors: vec![tensor], finish: None });
        }
        Ok(Self { prunable: prunable.clone(), parts })
    }

    /// Scores that are the host's work, once the device has done its part: for each parameter the
    /// tensors that are to be read, and the function that makes its scores of their values. All
    /// tensors are on the device at once.
    ///
    /// # Errors
    /// What `part` refuses. How many scores there are is seen only when they are read.
    pub fn on_host<F>(
        prunable: &Prunable,
        mut part: impl FnMut(&ParamInfo) -> Result<(Vec<Tensor<1>>, F), Error>,
    ) -> Result<Self, Error>
    where
        F: Fn(&[Vec<f64>]) -> Result<Vec<f64>, Error> + Send + Sync + 'static,
    {
        let mut parts = Vec::new();
        for info in prunable.params() {
            let (tensors, finish) = part(info)?;
            parts.push(Part { tensors, finish: Some(Arc::new(finish)) });
        }
        Ok(Self { prunable: prunable.clone(), parts })
    }

    /// Whether any of them was computed in less than f64.
    pub fn are_narrow(&self) -> bool {
        self.parts.iter().flat_map(|part| &part.tensors).any(|tensor| tensor.dtype() != DType::F64)
    }

    /// Reads the scores.
    ///
    /// # Errors
    /// A device that fails; what the functions of [`ScoreTensors::on_host`] refuse; [`Error::ScoreCount`];
    /// [`Error::NotFinite`].
    pub async fn read(self) -> Result<Scores, Error> {
        let narrow = self.are_narrow();
        let (tensors, finishes): (Vec<_>, Vec<_>) =
            self.parts.into_iter().map(|part| (part.tensors, part.finish)).unzip();
        let counts: Vec<usize> = tensors.iter().map(Vec::len).collect();
        let mut read = read_all(tensors.into_iter().flatten().collect()).await?.into_iter();
        let mut scores = Vec::new();
        for (count, finish) in counts.into_iter().zip(finishes) {
            let values: Vec<Vec<f64>> =
                read.by_ref().take(count).map(|data| data.iter::<f64>().collect()).collect();
            scores.push(match finish {
                Some(finish) => finish(&values)?,
                None => values.concat(),
            });
        }
        let mut scores = scores.into_iter();
        Scores::try_from_fn(&self.prunable, |_| scores.next().unwrap_or_default()).map_err(
            |error| match error {
                Error::NotFinite { path, count, index, found, .. } => {
                    Error::NotFinite { path, count, index, found, narrow }
                }
                error => error,
            },
        )
    }
}

impl fmt::Debug for ScoreTensors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoreTensors").field("prunable", &self.prunable).finish_non_exhaustive()
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
    ///
    /// # Errors
    /// [`Error::ScoreCount`]; [`Error::NotFinite`].
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
    Err(Error::NotFinite { path: info.path.clone(), count, index, found: scores[index], narrow: false })
}
