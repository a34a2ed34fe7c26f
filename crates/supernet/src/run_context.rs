//! What accompanies a training.

use burn::prelude::Device;
use sapwood_core::{Reporter, Silent};
use sapwood_train::Checkpoints;

/// Under which conditions networks are trained. What comes of it does not depend on them.
pub struct RunContext<'a> {
    /// Where it is computed.
    pub device: &'a Device,
    /// Adds how often checkpoints are written, beside the one at the end.
    pub checkpoints: Box<dyn Fn(Checkpoints<'static>) -> Checkpoints<'static> + 'a>,
    /// Who is told how it goes.
    pub reporter: &'a dyn Reporter,
    /// Once this says so, the training writes a checkpoint and stops.
    pub stop: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> RunContext<'a> {
    /// A training on this device that goes on to its end, of which nobody is told.
    pub fn new(device: &'a Device) -> Self {
        Self {
            device,
            checkpoints: Box::new(|as_they_are| as_they_are),
            reporter: &Silent,
            stop: Box::new(|| false),
        }
    }
}
