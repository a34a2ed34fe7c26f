//! The length of the gradient.

use burn::prelude::Device;
use sapwood_backend::read_all;
use sapwood_core::{Layout, Network, Output as _, Pass, Reporter, Source, gradients, loss};

use crate::Error;

/// `||grad_w l(f(x), y)||_2` of each example over all parameters, the mean over networks (Paul, Ganguli and Dziugaite
/// 2021, "Deep Learning on a Data Diet", definition 2.1). Normalisation uses its running statistics: those of one
/// example would say nothing.
///
/// # Errors
/// Batches that cannot be read, or whose targets do not fit; a device that fails.
pub async fn grand<N: Network>(
    networks: &[N],
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    reporter.begin("gradients", (networks.len() * source.batches()) as u64);
    let mut scores = vec![0.0; source.examples()];
    let autodiff = device.clone().autodiff();
    for network in networks {
        let network = network.clone().train();
        let mut at = 0;
        for batch in source.epoch(0, 0) {
            let batch = batch.map_err(Error::Source)?;
            for example in 0..batch.len() {
                let one = batch.select(&[example]);
                let outputs = network.forward(one.input(&autodiff)?, &mut Pass::evaluate()).rows();
                let gradients = gradients(&network, loss(outputs, one.target(), 0.0)?, Layout::Stored);
                let squares = gradients.into_values().map(|gradient| gradient.square().sum()).collect();
                let sum: f64 = read_all(squares).await?.iter().flat_map(|sum| sum.iter::<f64>()).sum();
                scores[at] += sum.sqrt() / networks.len() as f64;
                at += 1;
            }
            reporter.advance(1);
        }
    }
    reporter.end();
    Ok(scores)
}
