//! The length of the error.

use burn::prelude::Device;
use sapwood_backend::{block_on, ordered::softmax, read};
use sapwood_core::{Network as _, Pass, Source as _, soft_labels};
use sapwood_data::Dataset;
use sapwood_models::Net;

use super::k_centre::in_order;
use crate::{Error, Reporter};

/// `||softmax(f(x)) - y||_2` of each example, the mean over networks, in evaluation mode.
///
/// What differs: the paper takes the networks of ten initialisations after a few epochs; here they are those that are
/// given.
pub(super) fn scores(
    nets: &[Net],
    dataset: &Dataset,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    let loader = in_order(dataset, 256)?;
    reporter.begin("scores", (nets.len() * loader.batches()) as u64);
    let mut scores = vec![0.0; dataset.len()];
    for net in nets {
        let mut at = 0;
        for batch in loader.epoch(0, 0) {
            let batch = batch.map_err(sapwood_train::Error::Source)?;
            let outputs =
                net.forward(batch.input(device).map_err(sapwood_train::Error::from)?, &mut Pass::evaluate());
            let sapwood_core::Target::Class(classes) = batch.target() else { continue };
            let labels = soft_labels(classes, outputs.dims(), 0.0).map_err(sapwood_train::Error::from)?;
            let probabilities =
                block_on(read(softmax(outputs.clone()))).map_err(sapwood_train::Error::from)?;
            let (p, y) =
                (probabilities.iter::<f64>().collect::<Vec<_>>(), labels.iter::<f64>().collect::<Vec<_>>());
            let width = outputs.dims()[1];
            for (p, y) in p.chunks_exact(width).zip(y.chunks_exact(width)) {
                let square: f64 = p.iter().zip(y).map(|(p, y)| (p - y).powi(2)).sum();
                scores[at] += square.sqrt() / nets.len() as f64;
                at += 1;
            }
            reporter.advance(1);
        }
    }
    reporter.end();
    Ok(scores)
}
