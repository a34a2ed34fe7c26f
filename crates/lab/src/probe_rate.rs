//! The learning rate that a linear probe bears.

use std::sync::Arc;

use burn::prelude::Device;
use sapwood_data::{Loader, LoaderOptions};

use crate::{Beginning, Datasets, Error, Reporter, TrainConfig, fits::fits, probe::Probe};

/// The most examples whose features are looked at: a sample with each class's share.
const LOOKED_AT: usize = 2000;

/// Rounds of the power method. What they miss of the largest eigenvalue is less than what two digits leave out.
const ROUNDS: usize = 50;

/// The learning rate of gradient descent on the last layer of the network that a configuration begins with: one over the
/// largest curvature of the loss, in two digits.
///
/// With features f of an example, a 1 for the bias among them, and probabilities p the second derivative of the
/// cross-entropy by the layer's weights is the mean of (diag p - p pᵀ) ⊗ f fᵀ. The first factor is at most 1/2 (Böhning
/// 1992, "Multinomial logistic regression algorithm"), so the curvature is at most half of the largest eigenvalue of the
/// mean of f fᵀ.
///
/// # Errors
/// Those of [`train`](crate::train): data that do not fit the network, a network without a last layer; and
/// [`Error::Setting`] for new weights, whose features say nothing.
pub fn probe_rate(
    config: &TrainConfig,
    datasets: &Datasets,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<f64, Error> {
    let (Beginning::From(start) | Beginning::Renewed(start)) = &config.beginning else {
        return Err(Error::setting("transfer.probe", "a probe begins with trained weights"));
    };
    let source = config.train_source(datasets, 1)?;
    let classes = fits(&config.model, config.known(), source.dataset())?;
    let all = classes.of(Arc::clone(source.dataset()))?;
    let some = if LOOKED_AT < all.len() { Arc::new(all.draw(LOOKED_AT)?) } else { all };
    let loader = Loader::new(some, LoaderOptions { batch_size: 256, ..LoaderOptions::default() })?;
    let net = start.net.clone().with_ops(config.ops);
    let probe = Probe::of(&net, device)?.with_ops(config.ops);
    let features = probe.of_examples(&loader, datasets.cache(), device, reporter)?;
    let width = features.width();
    let largest = largest_eigenvalue(&features.into_rows(), width);
    if !largest.is_finite() {
        let problem = "the network's features of these data are not finite: its last layer cannot be trained";
        return Err(Error::setting("transfer.probe", problem));
    }
    Ok(two_digits(2.0 / largest))
}

/// The largest eigenvalue of the mean of f fᵀ over rows f of this width, each with a 1 behind it, by the power method.
fn largest_eigenvalue(rows: &[f32], width: usize) -> f64 {
    let count = rows.len() / width;
    let (mut v, mut v_bias) = (vec![1.0; width], 1.0);
    let mut largest = 0.0;
    for _ in 0..ROUNDS {
        let (mut next, mut next_bias) = (vec![0.0; width], 0.0);
        for row in rows.chunks_exact(width) {
            let along = v_bias + row.iter().zip(&v).map(|(f, v)| f64::from(*f) * v).sum::<f64>();
            next.iter_mut().zip(row).for_each(|(next, f)| *next += along * f64::from(*f));
            next_bias += along;
        }
        let length = next.iter().map(|x| x * x).sum::<f64>() + next_bias * next_bias;
        let length = length.sqrt();
        let before = (v.iter().map(|x| x * x).sum::<f64>() + v_bias * v_bias).sqrt();
        largest = length / before / count as f64;
        (v, v_bias) = (next.into_iter().map(|x| x / length).collect(), next_bias / length);
    }
    largest
}

/// A number above 0 in two digits, so that it can be said and given again.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_eigenvalue_counts_the_bias() {
        // Two rows, (1, 0) and (0, 2), each with a 1: the mean of f fᵀ is [[1/2, 0, 1/2], [0, 2, 1], [1/2, 1, 1]], and its
        // characteristic polynomial x³ - 3.5 x² + 2.25 x.
        let expected = (3.5 + 3.25f64.sqrt()) / 2.0;
        assert!((largest_eigenvalue(&[1.0, 0.0, 0.0, 2.0], 2) - expected).abs() < 1e-12);
    }

    #[test]
    fn rates_have_two_digits() {
        assert_eq!([0.0030756, 1.0, 0.099].map(two_digits), [0.0031, 1.0, 0.099]);
    }
}
