//! Telling a reporter how far a training is.

use sapwood_core::{Network, Reporter};

use crate::{Hook, HookError, Live, Plan, Resumed, StepReport};

/// Passes the steps of a training on to the reporter, as far as they go.
pub struct Progress<'a> {
    reporter: &'a dyn Reporter,
    /// The first iteration.
    start: usize,
    until: usize,
}

impl<'a> Progress<'a> {
    /// Of what a plan trains.
    pub fn new(reporter: &'a dyn Reporter, plan: &Plan) -> Self {
        Self { reporter, start: plan.start, until: plan.until }
    }
}

impl<N: Network> Hook<N> for Progress<'_> {
    fn on_start(&mut self, resumed: &Resumed, _live: &mut Live<N>) -> Result<(), HookError> {
        self.reporter.begin("training", (self.until - self.start) as u64);
        if let Some(from) = resumed.from {
            self.reporter.note(&format!("continues from iteration {from}"));
            self.reporter.advance((from - self.start) as u64);
        }
        Ok(())
    }

    fn on_step_end(&mut self, _step: &StepReport, _live: &mut Live<N>) -> Result<(), HookError> {
        self.reporter.advance(1);
        Ok(())
    }
}
