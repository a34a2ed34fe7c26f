//! How behaviour enters the training loop.

use sapwood_core::{Gradients, Network};

use crate::{HookError, Live, Resumed, Row};

/// One step of training, as hooks see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The step's iteration, counted from 0.
    pub iteration: usize,
    /// Its epoch, counted from 0.
    pub epoch: usize,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The loss of its batch, before the step.
    pub loss: f64,
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The weights move along their gradients, as usual.
    Step,
    /// What the hook has done stands in the place of the step. The statistics of
    /// normalisation are taken all the same.
    Replaced,
}

/// Something that is called as training goes on, in the order in which hooks
/// were given to the trainer. An error ends the run.
///
/// A run that resumes repeats the iterations since its last checkpoint, and calls
/// the hooks again. A hook that changes the network or the masks must therefore
/// do it as a pure function of the iteration and of what it is shown; its own
/// fields are not in the checkpoint.
pub trait Hook<N: Network> {
    /// Before the first iteration, also of a run that resumes.
    ///
    /// # Errors
    /// Whatever the hook cannot do; the run ends with it.
    fn on_start(&mut self, resumed: &Resumed, live: &mut Live<N>) -> Result<(), HookError> {
        let _ = (resumed, live);
        Ok(())
    }

    /// After the backward pass: gradients are dense, also where weights are
    /// masked, flat and in the stored order. What is changed here is masked and
    /// clipped afterwards.
    ///
    /// # Errors
    /// Whatever the hook cannot do; the run ends with it.
    fn on_gradients(
        &mut self,
        step: &StepReport,
        gradients: &mut Gradients,
        live: &Live<N>,
    ) -> Result<(), HookError> {
        let _ = (step, gradients, live);
        Ok(())
    }

    /// When all gradients are in, before masks and the step. Here masks may change;
    /// gradients are what the hooks before have left, dense, flat and in the stored
    /// order. What a hook wants to remember across a checkpoint it keeps in a slot of
    /// [`Live::memory`].
    ///
    /// # Errors
    /// Whatever the hook cannot do; the run ends with it.
    fn on_update(
        &mut self,
        step: &StepReport,
        gradients: &Gradients,
        live: &mut Live<N>,
    ) -> Result<Update, HookError> {
        let _ = (step, gradients, live);
        Ok(Update::Step)
    }

    /// After the weights have moved.
    ///
    /// # Errors
    /// Whatever the hook cannot do; the run ends with it.
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        let _ = (step, live);
        Ok(())
    }

    /// After the last step of an epoch, or of the run, and its evaluation.
    ///
    /// # Errors
    /// Whatever the hook cannot do; the run ends with it.
    fn on_epoch_end(&mut self, row: &Row, live: &mut Live<N>) -> Result<(), HookError> {
        let _ = (row, live);
        Ok(())
    }
}

/// A hook that tells how the run goes: called with each epoch's row.
///
/// ```
/// use sapwood_train::OnEpoch;
///
/// let hook = OnEpoch(|row| eprintln!("epoch {}: loss {:.3}", row.epoch, row.train_loss));
/// # let _ = hook;
/// ```
pub struct OnEpoch<F: FnMut(&Row)>(pub F);

impl<N: Network, F: FnMut(&Row)> Hook<N> for OnEpoch<F> {
    fn on_epoch_end(&mut self, row: &Row, _live: &mut Live<N>) -> Result<(), HookError> {
        (self.0)(row);
        Ok(())
    }
}
