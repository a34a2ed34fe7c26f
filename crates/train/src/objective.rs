//! What a network learns of a batch.

use burn::{prelude::Device, tensor::Tensor};
use sapwood_core::{Batch, Gradients, Layout, Moments, Network, Output as _, Pass, gradients, loss};

use crate::{Error, Plan};

/// What a step follows: where behaviour enters that is more than a loss of the network's
/// outputs, as when several sub-networks learn from one batch.
///
/// Whatever it draws at random must be a function of the iteration, and whatever it
/// remembers must not change what it teaches, so that a run can be resumed anywhere.
pub trait Objective<N: Network> {
    /// The gradients that a batch gives a network, which is on autodiff.
    ///
    /// # Errors
    /// A batch that does not fit the network; whatever else it cannot teach from.
    fn teach(&mut self, network: &N, batch: &Batch, at: &StepContext<'_>) -> Result<Lesson, Error>;
}

/// When and where a step is made.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// How the network is trained.
    pub plan: &'a Plan,
    /// Iterations before this one, counted from the start of the schedule.
    pub iteration: usize,
    /// The device, without autodiff.
    pub device: &'a Device,
}

/// What comes of a batch.
#[derive(Debug)]
pub struct Lesson {
    /// The loss, `[1]`, without autodiff.
    pub loss: Tensor<1>,
    /// The gradients, in the stored layout. A parameter that is not there stays as it is.
    pub gradients: Gradients,
    /// What normalisation layers saw.
    pub moments: Vec<Moments>,
}

/// The mean loss of the network's outputs against the batch's targets.
#[derive(Clone, Copy, Debug)]
pub struct Supervised;

impl<N: Network> Objective<N> for Supervised {
    fn teach(&mut self, network: &N, batch: &Batch, at: &StepContext<'_>) -> Result<Lesson, Error> {
        let mut pass = Pass::train();
        let outputs = network.forward(batch.input(&at.device.clone().autodiff())?, &mut pass);
        let loss = loss(outputs.rows(), batch.target(), at.plan.recipe.label_smoothing)?;
        let value = loss.clone().inner();
        let gradients = gradients(network, loss, Layout::Stored);
        Ok(Lesson { loss: value, gradients, moments: pass.into_moments() })
    }
}
