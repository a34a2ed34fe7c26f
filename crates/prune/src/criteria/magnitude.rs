//! The absolute value of the weight.

use crate::{Criterion, Error, Needs, Probe, Prunable, ScoreTensors};

/// `|w|`: small weights go first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Magnitude;

impl Criterion for Magnitude {
    fn name(&self) -> &str {
        "magnitude"
    }

    fn needs(&self) -> Needs {
        Needs::Weights
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let weights = probe.weights()?;
        ScoreTensors::try_from_fn(prunable, |info| Ok(weights.get(&info.path)?.abs()))
    }
}
