//! Foresight connection sensitivity.

use super::mean_gradient;
use crate::{ChannelScore, Criterion, Error, Iterations, Needs, Probe, Prunable, Removed, ScoreTensors};

/// `|w_0 * mean dL/dw|`, with the weights `w_0` before any was removed and the
/// gradient of the network that the last round left: what a weight, removed or
/// not, would do in the *sparse* network (de Jorge et al. 2021, equation 8).
/// Weights may return, and every round selects among all of them. The first round
/// is one of SNIP. Normalisation uses the statistics of the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Force;

impl Criterion for Force {
    fn name(&self) -> &str {
        "force"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn removed(&self) -> Removed {
        Removed::MayReturn
    }

    fn iterations(&self) -> Iterations {
        Iterations::exponential(10)
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let initial = probe.initial_weights()?.of(prunable)?;
        ScoreTensors::new(prunable, initial.times(&mean_gradient(probe)?)?.abs())
    }
}
