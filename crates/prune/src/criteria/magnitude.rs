//! The absolute value of the weight.

use burn::tensor::Tensor;
use sapwood_backend::ordered;

use crate::{ChannelScore, Criterion, Error, Probe, Prunable, ScoreTensors};

/// `|w|`: small weights go first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Magnitude;

/// `|w| / |layer|`: the magnitude, divided by the Euclidean norm of the layer's
/// weights, as jaxpruner's `GlobalMagnitudePruning` does unless told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct NormalizedMagnitude;

impl Criterion for Magnitude {
    fn name(&self) -> &str {
        "magnitude"
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::Squares
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        ScoreTensors::new(prunable, probe.weights()?.of(prunable)?.abs())
    }
}

impl Criterion for NormalizedMagnitude {
    fn name(&self) -> &str {
        "magnitude-normalized"
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::Squares
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let normalized = |w: Tensor<1>| {
            let norm = ordered::sum(w.clone().square()).sqrt();
            // A layer of zeros stays one.
            let norm = norm.clone().mask_fill(norm.equal_elem(0.0), 1.0);
            let count = w.dims();
            w / norm.expand(count)
        };
        ScoreTensors::new(prunable, probe.weights()?.of(prunable)?.abs().map(normalized))
    }
}
