//! SNIP in several rounds.

use super::mean_gradient;
use crate::{ChannelScore, Criterion, Error, Iterations, Needs, Probe, Prunable, ScoreTensors};

/// `|w * mean dL/dw|` of the network that earlier rounds left, so that each round
/// sees what the removal of others did (de Jorge et al. 2021, section 4). Removed
/// weights stay removed. Normalisation uses the statistics of the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct IterativeSnip;

impl Criterion for IterativeSnip {
    fn name(&self) -> &str {
        "iterative-snip"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn iterations(&self) -> Iterations {
        Iterations::exponential(10)
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let w = probe.weights()?.of(prunable)?;
        ScoreTensors::new(prunable, w.times(&mean_gradient(probe)?)?.abs())
    }
}
