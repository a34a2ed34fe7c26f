//! Metrics from encodings, without measuring.

mod adam;
mod bagged;
pub(crate) mod cholesky;
mod choose;
mod kind;
mod learning;
mod matmul;
mod mlp;
mod quality;
mod ridge;

pub use bagged::Bagged;
pub use choose::{Chosen, CrossValidated, choose, cross_validate};
pub use kind::PredictorKind;
pub use learning::{Learning, LearningPoint};
pub use mlp::Mlp;
pub use quality::{Calibration, Quality, kendall_tau, rmse};
pub use ridge::Ridge;

use crate::{Error, Rows};

/// Learns a metric from encoded genomes and predicts it for others.
pub trait Predictor: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Learns from these examples, and forgets others. The same seed gives the same
    /// predictor.
    ///
    /// # Errors
    /// No examples, not one target for each row, targets that are not finite, or options
    /// that make no sense.
    fn fit(&mut self, rows: &Rows, targets: &[f64], seed: u64) -> Result<(), Error>;

    /// Predicts each row, in the unit of the targets.
    ///
    /// # Errors
    /// It was not fitted, or to rows of another width.
    fn predict(&self, rows: &Rows) -> Result<Vec<f64>, Error>;

    /// How uncertain each prediction is, as a standard deviation in the unit of the
    /// targets, if the predictor knows.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    fn spread(&self, rows: &Rows) -> Result<Option<Vec<f64>>, Error> {
        let _ = rows;
        Ok(None)
    }
}

/// Mean and standard deviation of the targets, which are checked.
fn observed(predictor: &str, rows: &Rows, targets: &[f64]) -> Result<(f64, f64), Error> {
    let wrong = |problem: String| Err(Error::Predictor { predictor: predictor.into(), problem });
    if rows.is_empty() || rows.len() != targets.len() {
        let (rows, targets) = (rows.len(), targets.len());
        return wrong(format!(
            "expected one target for each of at least one row, found {targets} for {rows}"
        ));
    }
    if let Some(at) = targets.iter().position(|target| !target.is_finite()) {
        return wrong(format!("target {at} is {}: leave it out or measure it again", targets[at]));
    }
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    let squares: f64 = targets.iter().map(|target| (target - mean).powi(2)).sum();
    Ok((mean, (squares / targets.len() as f64).sqrt()))
}
