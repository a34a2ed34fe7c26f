//! The size of the gradient.

use super::mean_gradient;
use crate::{ChannelScore, Criterion, Error, Needs, Probe, Prunable, ScoreTensors};

/// `|dL/dw|`, with L the mean loss of all batches: where the loss is steepest.
/// Normalisation uses the statistics of the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct GradientMagnitude;

impl Criterion for GradientMagnitude {
    fn name(&self) -> &str {
        "gradient-magnitude"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        ScoreTensors::new(prunable, mean_gradient(probe)?.of(prunable)?.abs())
    }
}
