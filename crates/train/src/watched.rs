//! An evaluation of which a reporter is told.

use burn::prelude::Device;
use sapwood_core::{Batch, ExampleShape, Network, Reporter, Source, SourceError};

use crate::{Error, Evaluation, evaluate};

/// [`evaluate`], of which a reporter is told batch by batch.
///
/// # Errors
/// Those of [`evaluate`].
pub async fn evaluate_watched<N: Network>(
    network: &N,
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Evaluation, Error> {
    reporter.begin("evaluating", source.batches() as u64);
    let evaluation = evaluate(network, &Watched { inner: source, reporter }, device).await;
    reporter.end();
    evaluation
}

/// Batches of which each counts as one unit when it is asked for.
struct Watched<'a> {
    inner: &'a dyn Source,
    reporter: &'a dyn Reporter,
}

impl Source for Watched<'_> {
    fn examples(&self) -> usize {
        self.inner.examples()
    }

    fn batches(&self) -> usize {
        self.inner.batches()
    }

    fn shape(&self) -> ExampleShape {
        self.inner.shape()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(self.inner.epoch(epoch, from).inspect(|_| self.reporter.advance(1)))
    }
}
