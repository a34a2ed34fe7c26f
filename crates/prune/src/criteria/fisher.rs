//! The diagonal of the empirical Fisher information.

use crate::{ChannelScore, Criterion, Error, Needs, Probe, Prunable, Response, ScoreTensors};
use sapwood_core::Norm;

/// `w^2 / 2 * mean over batches of g^2`: how much the loss would rise without the
/// weight, to second order, with the diagonal of the empirical Fisher information
/// in the place of the Hessian (LeCun et al. 1989; Theis et al. 2018). It is the
/// information itself where each batch is one example. Normalisation uses the
/// running statistics, since one example has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fisher;

impl Criterion for Fisher {
    fn name(&self) -> &str {
        "fisher"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let (w, batches) = (probe.weights()?.of(prunable)?, probe.examples()?);
        let mut information = w.clone().map(|w| w.zeros_like());
        for batch in batches {
            let g = probe.gradient(Response::loss(batch), Norm::Running, None)?;
            information = information.zip(&g, |sum, g| sum + g.square())?;
        }
        let batches = batches.len() as f64;
        ScoreTensors::new(prunable, w.zip(&information, |w, sum| w.square() * (sum / batches) / 2.0)?)
    }
}
