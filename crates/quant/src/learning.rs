//! What a network learns that rounds.

use sapwood_core::{Batch, Layout, Network as _, Norm, Observed, Output as _, Pass, gradients, loss};
use sapwood_train::{Error, Lesson, Objective, StepContext};

use crate::FakeQuantized;

/// The loss of a batch for a network that rounds. Each step of a grid follows its part of the gradient; from an iteration on
/// all steps and the statistics of normalisation stand still, so that the weights settle on the grids with which they
/// will be computed (Krishnamoorthi 2018, section 3.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// The iteration, counted from the start of the schedule.
    pub frozen_from: usize,
}

impl<N: Observed> Objective<FakeQuantized<N>> for Rounds {
    fn teach(
        &mut self,
        network: &FakeQuantized<N>,
        batch: &Batch,
        at: &StepContext<'_>,
    ) -> Result<Lesson, Error> {
        let frozen = at.iteration >= self.frozen_from;
        let mut pass = Pass::new(if frozen { Norm::Running } else { Norm::Batch });
        let outputs = network.forward(batch.input(&at.device.clone().autodiff())?, &mut pass);
        let loss = loss(outputs.rows(), batch.target(), at.plan.recipe.label_smoothing)?;
        let value = loss.clone().inner();
        let mut gradients = gradients(network, loss, Layout::Stored);
        for (path, scale) in network.steps() {
            if let Some(gradient) = gradients.remove(path).filter(|_| !frozen) {
                gradients.insert(path.into(), gradient * scale);
            }
        }
        Ok(Lesson { loss: value, gradients, moments: pass.into_moments() })
    }
}
