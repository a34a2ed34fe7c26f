//! What the page is told.

use sapwood_core::{Network, Source};
use sapwood_prune::{Diagnosis, LayerHealth};
use sapwood_train::{Evaluation, Row};
use serde::Serialize;

use crate::{Course, Data};

/// How far training has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Steps so far, from where the schedule begins.
    pub step: usize,
    /// Where this training began on the schedule: behind 0 where it goes on from half way.
    pub start: usize,
    /// Steps at the end.
    pub steps: usize,
    /// Steps of an epoch.
    pub per_epoch: usize,
    /// The loss that was trained with, mean over the last slice; none before the first.
    pub loss: Option<f64>,
    /// How good the network is now; none before the first slice.
    pub test: Option<Evaluation>,
    /// Whether there is nothing left to do.
    pub done: bool,
}

impl Progress {
    pub(crate) fn of<N: Network>(course: &Course<N>, row: Option<Row>, data: &Data) -> Self {
        let (step, steps) = (course.iteration, course.end(data));
        let per_epoch = data.train.batches();
        let start = course.recipe.start_at.iterations(per_epoch, steps);
        Self {
            step,
            start,
            steps,
            per_epoch,
            loss: row.map(|row| row.train_loss),
            test: row.and_then(|row| row.test),
            done: steps <= step,
        }
    }
}

/// What pruning left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PruneReport {
    /// Kept weights.
    pub kept: usize,
    /// All weights that could have been removed.
    pub total: usize,
    /// The same of each layer, in the order in which they run.
    pub layers: Vec<LayerHealth>,
    /// What a user should know, one sentence each.
    pub warnings: Vec<String>,
    /// How good the network is before it is trained again.
    pub test: Evaluation,
}

impl PruneReport {
    pub(crate) fn new(diagnosis: &Diagnosis, test: Evaluation) -> Self {
        let sum = |count: fn(&LayerHealth) -> usize| diagnosis.layers.iter().map(count).sum();
        Self {
            kept: sum(|layer| layer.kept),
            total: sum(|layer| layer.total),
            layers: diagnosis.layers.clone(),
            warnings: diagnosis.warnings.iter().map(ToString::to_string).collect(),
            test,
        }
    }
}
