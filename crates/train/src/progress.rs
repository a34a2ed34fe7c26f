//! Telling a reporter how far a training is.

use sapwood_core::{Network, Reporter};

use crate::{Hook, HookError, Live, Resumed, StepReport};

/// Passes the steps of a training on to the reporter, as far as they go.
pub struct Progress<'a> {
    /// Who is told.
    pub reporter: &'a dyn Reporter,
    /// The steps of the whole training.
    pub steps: u64,
}

impl<N: Network> Hook<N> for Progress<'_> {
    fn on_start(&mut self, resumed: &Resumed, _live: &mut Live<N>) -> Result<(), HookError> {
        self.reporter.begin("training", self.steps);
        if let Some(from) = resumed.from {
            self.reporter.note(&format!("continues from iteration {from}"));
            self.reporter.advance(from as u64);
        }
        Ok(())
    }

    fn on_step_end(&mut self, _step: &StepReport, _live: &mut Live<N>) -> Result<(), HookError> {
        self.reporter.advance(1);
        Ok(())
    }
}
