//! The length of the error.

use burn::prelude::Device;
use sapwood_core::{Network, Reporter, Source};

use super::each_answer;
use crate::Error;

/// `||softmax(f(x)) - y||_2` of each example, the mean over networks (Paul, Ganguli and Dziugaite 2021, "Deep Learning on
/// a Data Diet", equation 3).
///
/// What differs: the paper takes the networks of ten initialisations after a few epochs; here they are those that are
/// given.
///
/// # Errors
/// Batches that cannot be read, or whose targets are no classes; a device that fails.
pub async fn el2n<N: Network>(
    networks: &[N],
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    let mut scores = vec![0.0; source.examples()];
    each_answer(networks, source, device, reporter, |at, logits, class| {
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        let error = |(of, exponential): (usize, &f64)| exponential / sum - f64::from(u8::from(of == class));
        let square: f64 = exponentials.iter().enumerate().map(|row| error(row).powi(2)).sum();
        scores[at] += square.sqrt() / networks.len() as f64;
    })
    .await?;
    Ok(scores)
}
