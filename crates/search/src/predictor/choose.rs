//! Which predictor, by cross-validation.

use rand::seq::SliceRandom as _;

use super::{PredictorKind, Quality, observed};
use crate::{
    Error, Predictor as _, Rows,
    streams::{Stream, stream},
};

/// What a kind of predictor is worth on examples that it had not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// The kind, not fitted.
    pub kind: PredictorKind,
    /// The quality of the predictions of all folds together.
    pub quality: Quality,
    /// The prediction of each example by the predictor that had not seen it.
    pub predictions: Vec<f64>,
}

/// The predictor of least error, fitted to all examples, and how all of them did.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The one chosen.
    pub predictor: PredictorKind,
    /// All, in the order in which they were given.
    pub all: Vec<CrossValidated>,
}

/// Fits the kind as often as there are folds, each time without one of them, and predicts
/// that one.
///
/// # Errors
/// Fewer than 2 folds, fewer examples than folds, or what fitting says.
pub fn cross_validate(
    kind: &PredictorKind,
    rows: &Rows,
    targets: &[f64],
    folds: usize,
    seed: u64,
) -> Result<CrossValidated, Error> {
    observed(kind.name(), rows, targets)?;
    if folds < 2 || rows.len() < folds {
        return Err(Error::option("folds", format!("from 2 to the {} examples", rows.len()), folds));
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.shuffle(&mut stream(seed, Stream::Folds, 0));
    let mut predictions = vec![0.0; rows.len()];
    for fold in 0..folds {
        let (left_out, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|at| at % folds == fold);
        let of = |places: Vec<usize>| places.into_iter().map(|at| order[at]).collect::<Vec<_>>();
        let (left_out, kept) = (of(left_out), of(kept));
        let mut predictor = kind.clone();
        let known: Vec<f64> = kept.iter().map(|at| targets[*at]).collect();
        predictor.fit(&rows.select(&kept), &known, seed)?;
        for (at, prediction) in left_out.iter().zip(predictor.predict(&rows.select(&left_out))?) {
            predictions[*at] = prediction;
        }
    }
    Ok(CrossValidated { kind: kind.clone(), quality: Quality::of(&predictions, targets), predictions })
}

/// Cross-validates each kind and fits the one of the smallest error to all examples; of equal
/// ones the first.
///
/// # Errors
/// No kinds, or as [`cross_validate`].
pub fn choose(
    kinds: &[PredictorKind],
    rows: &Rows,
    targets: &[f64],
    folds: usize,
    seed: u64,
) -> Result<Chosen, Error> {
    let all: Result<Vec<_>, Error> =
        kinds.iter().map(|kind| cross_validate(kind, rows, targets, folds, seed)).collect();
    let all = all?;
    let best = all.iter().min_by(|one, other| one.quality.rmse.total_cmp(&other.quality.rmse));
    let mut predictor =
        best.ok_or_else(|| Error::option("kinds of predictors", "at least 1", 0))?.kind.clone();
    predictor.fit(rows, targets, seed)?;
    Ok(Chosen { predictor, all })
}
