//! Whether weights move away from zero.

use crate::{ChannelScore, Criterion, Error, Needs, Probe, Prunable, Removed, Response, ScoreTensors};
use sapwood_core::Norm;

/// `- sum over batches of w dL/dw`: positive where gradient descent makes the
/// weight larger, whatever its size now (Sanh et al. 2020, equation 4). Here the
/// weights stand still while the batches pass; over a training the hook of the crate
/// `sparse` adds up the same sum step by step, which is the paper's hard movement pruning
/// with learning rate 1 of the scores. Normalisation uses the statistics of the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Movement;

impl Criterion for Movement {
    fn name(&self) -> &str {
        "movement"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn removed(&self) -> Removed {
        Removed::MayReturn
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let w = probe.weights()?.of(prunable)?;
        let mut scores = w.clone().map(|w| w.zeros_like());
        for batch in probe.examples()? {
            let g = probe.gradient(Response::loss(batch), Norm::Batch, None)?;
            scores = scores.zip(&w.clone().times(&g)?, |sum, wg| sum - wg)?;
        }
        ScoreTensors::new(prunable, scores)
    }
}
