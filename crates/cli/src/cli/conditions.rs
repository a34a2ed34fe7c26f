//! Under which conditions a command trains.

use std::{
    num::NonZero,
    sync::{Arc, atomic::AtomicBool},
};

use burn::prelude::Device;
use sapwood_lab::{CheckpointEvery, Conditions, Datasets, Work};

use super::bar::Bar;

/// What the conditions of a command's trainings are made of.
pub(super) struct Surroundings {
    datasets: Datasets,
    device: Device,
    every: CheckpointEvery,
    bar: Bar,
    work: Work,
    stop: Arc<AtomicBool>,
}

impl Surroundings {
    /// Those of a command that nobody asks to stop: killed, it goes on when it is given again.
    pub(super) fn new(datasets: Datasets, device: Device) -> Self {
        let (every, bar, work) = (CheckpointEvery::default(), Bar::default(), Work::default());
        Self { datasets, device, every, bar, work, stop: Arc::default() }
    }

    /// With this number of iterations between checkpoints, where one is given.
    pub(super) fn every(self, iterations: Option<NonZero<usize>>) -> Self {
        Self { every: iterations.map_or(self.every, CheckpointEvery::Iterations), ..self }
    }

    /// Of a command that ends once this is true: see [`stop_signal`](super::studies::stop_signal).
    pub(super) fn until(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// The conditions.
    pub(super) fn conditions(&self) -> Conditions<'_> {
        Conditions {
            datasets: &self.datasets,
            device: &self.device,
            every: self.every,
            keep: &[],
            reporter: &self.bar,
            work: &self.work,
            stop: &self.stop,
        }
    }
}
