//! The length of the gradient.

use burn::prelude::Device;
use sapwood_backend::{block_on, read_all};
use sapwood_core::{Layout, Network as _, Pass, Source as _, gradients, loss};
use sapwood_data::Dataset;
use sapwood_models::Net;

use super::k_centre::in_order;
use crate::{Error, Reporter};

/// `||grad_w l(f(x), y)||_2` of each example over all parameters, the mean over networks. Normalisation uses its running
/// statistics: those of one example would say nothing.
pub(super) fn scores(
    nets: &[Net],
    dataset: &Dataset,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    let loader = in_order(dataset, 1)?;
    reporter.begin("gradients", (nets.len() * loader.batches()) as u64);
    let mut scores = vec![0.0; dataset.len()];
    let autodiff = device.clone().autodiff();
    for net in nets {
        let net = burn::module::Module::train(net.clone());
        for (score, batch) in scores.iter_mut().zip(loader.epoch(0, 0)) {
            let batch = batch.map_err(sapwood_train::Error::Source)?;
            let input = batch.input(&autodiff).map_err(sapwood_train::Error::from)?;
            let outputs = net.forward(input, &mut Pass::evaluate());
            let loss = loss(outputs, batch.target(), 0.0).map_err(sapwood_train::Error::from)?;
            let gradients = gradients(&net, loss, Layout::Stored);
            let squares = gradients.into_values().map(|gradient| gradient.square().sum()).collect();
            let squares = block_on(read_all(squares)).map_err(sapwood_train::Error::from)?;
            let sum: f64 = squares.iter().flat_map(|sum| sum.iter::<f64>()).sum();
            *score += sum.sqrt() / nets.len() as f64;
            reporter.advance(1);
        }
    }
    reporter.end();
    Ok(scores)
}
