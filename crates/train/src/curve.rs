//! How a run went, epoch by epoch.

use serde::{Deserialize, Serialize};

use crate::Evaluation;

/// One epoch of a run, or the part of it that was trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The number of iterations of the run up to here.
    pub iteration: usize,
    /// The learning rate of the last of them.
    pub learning_rate: f64,
    /// The mean over the epoch's examples of the loss that was trained with, each
    /// taken before its step. Label smoothing is included.
    pub train_loss: f64,
    /// How good the network was then, if there was something to test it on.
    pub test: Option<Evaluation>,
}

impl Row {
    /// An event of an epoch, with what it came to.
    pub(crate) fn tell(&self, epochs: usize) {
        let Self { epoch, iteration, learning_rate, train_loss: training_loss, test } = *self;
        let (test_loss, top1) = (test.map(|test| test.loss), test.map(|test| test.top1));
        tracing::info!(
            name: "epoch",
            epoch, epochs, iteration, learning_rate, training_loss, test_loss, top1, "epoch"
        );
    }
}

/// The sum of the losses of an unfinished epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Losses {
    pub(crate) sum: f64,
    pub(crate) examples: usize,
}

impl Losses {
    pub(crate) fn add(&mut self, mean: f64, examples: usize) {
        self.sum += mean * examples as f64;
        self.examples += examples;
    }

    /// Begins anew and tells the mean.
    pub(crate) fn take(&mut self) -> f64 {
        let Self { sum, examples } = std::mem::take(self);
        sum / examples as f64
    }
}
