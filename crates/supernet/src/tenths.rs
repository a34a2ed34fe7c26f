//! Shorter epochs.

use sapwood_core::{Batch, ExampleShape, Source, SourceError};

/// The same batches, where a tenth of the data counts as an epoch: phases of training need not be
/// whole epochs long. What does not divide by ten is left out, other batches in each epoch.
#[derive(Clone, Copy)]
pub struct Tenths<'a>(pub &'a dyn Source);

impl Tenths<'_> {
    /// How many parts an epoch has.
    pub const PARTS: usize = 10;
}

impl Source for Tenths<'_> {
    fn examples(&self) -> usize {
        self.0.examples() * self.batches() / self.0.batches().max(1)
    }

    fn batches(&self) -> usize {
        (self.0.batches() / Self::PARTS).max(1)
    }

    fn shape(&self) -> ExampleShape {
        self.0.shape()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let parts = Self::PARTS.min(self.0.batches().max(1));
        let (whole, part) = (epoch / parts, epoch % parts);
        let rest = self.0.epoch(whole, part * self.batches() + from);
        Box::new(rest.take(self.batches().saturating_sub(from)))
    }
}
