//! How the error runs along the line between two networks.

use std::collections::BTreeMap;

use burn::prelude::Device;
use sapwood_core::{Layout, Network, ParamPath, Source, map, tensors};
use serde::{Deserialize, Serialize};

use crate::{Error, evaluate};

/// The error of the networks `(1 - a) W1 + a W2` for evenly spaced `a` from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connectivity {
    /// The share of wrong answers at each `a`, those of the two networks themselves first
    /// and last.
    pub errors: Vec<f64>,
}

impl Connectivity {
    /// The points at which Frankle et al. 2020 look.
    pub const POINTS: usize = 30;

    /// How much higher the error is somewhere on the way than the mean of the ends:
    /// `max_a E(a) - (E(W1) + E(W2)) / 2` (Frankle et al. 2020, section 2). Two networks
    /// are called linearly connected where this is below 0.02.
    pub fn instability(&self) -> f64 {
        let ends = [self.errors.first(), self.errors.last()].into_iter().flatten().sum::<f64>() / 2.0;
        self.errors.iter().copied().fold(f64::NEG_INFINITY, f64::max) - ends
    }
}

/// Walks from one network to another of the same kind. Statistics of normalisation are
/// interpolated like weights; the paper does not say what it does with them.
///
/// # Errors
/// Those of [`evaluate`].
pub async fn connectivity<N: Network>(
    from: &N,
    to: &N,
    points: usize,
    test: &dyn Source,
    device: &Device,
) -> Result<Connectivity, Error> {
    let ends: BTreeMap<ParamPath, _> =
        tensors(to, Layout::Stored).into_iter().map(|(info, value)| (info.path, value)).collect();
    let mut errors = Vec::new();
    for point in 0..points.max(2) {
        let a = point as f64 / (points.max(2) - 1) as f64;
        let between = map(from.clone(), Layout::Stored, |info, weight| match ends.get(&info.path) {
            Some(end) => weight * (1.0 - a) + end.clone() * a,
            None => weight,
        });
        errors.push(1.0 - evaluate(&between, test, device).await?.top1);
    }
    Ok(Connectivity { errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instability_is_the_highest_error_above_the_mean_of_the_ends() {
        let walk = Connectivity { errors: vec![0.1, 0.2, 0.7, 0.2, 0.3] };
        assert!((walk.instability() - 0.5).abs() < 1e-12);
        // A way that only goes down is as stable as can be, but for the difference of its ends.
        assert!((Connectivity { errors: vec![0.3, 0.2, 0.1] }.instability() - 0.1).abs() < 1e-12);
    }
}
