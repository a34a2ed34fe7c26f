//! The weight files of a run.

use sapwood_backend::block_on;
use sapwood_core::{Masks, ModuleState, State, Step, TrainedOn, write_atomic};
use sapwood_models::{Net, Spec, pack};
use sapwood_train::{Hook, HookError, Live, Plan, StepReport};

use crate::{Error, RunFolder, run_folder::digest};

/// What the weight files of a run say about its network, and where they lie.
#[derive(Clone, Copy)]
pub(super) struct Described<'a> {
    pub(super) spec: &'a Spec,
    pub(super) trained_on: &'a TrainedOn,
    pub(super) folder: &'a RunFolder,
}

impl Described<'_> {
    /// Writes a network as it is at a position, and tells the BLAKE3 of the file.
    pub(super) fn write(&self, at: Step, net: &Net, masks: Masks) -> Result<String, Error> {
        let state = block_on(State::read(net))?;
        // No loss tells of statistics that have grown without end.
        state.check_finite()?;
        let bytes = pack(self.spec, Some(self.trained_on), state, masks)?.to_bytes()?;
        write_atomic(&self.folder.weights_at(at), &bytes)?;
        Ok(digest(&bytes))
    }
}

/// Writes the weights of some positions as the run passes them.
pub(super) struct Keep<'a> {
    /// By the number of iterations before them.
    at: Vec<(usize, Step)>,
    start: usize,
    file: Described<'a>,
}

impl<'a> Keep<'a> {
    pub(super) fn new(steps: &[Step], plan: &Plan, file: Described<'a>) -> Self {
        let position = |step: &Step| (step.iterations(plan.length.per_epoch, plan.length.total), *step);
        let at = steps.iter().filter(|step| **step != Step::End).map(position).collect();
        Self { at, start: plan.start, file }
    }

    fn write(&self, iteration: usize, net: &Net, masks: &Masks) -> Result<(), Error> {
        for (_, step) in self.at.iter().filter(|(at, _)| *at == iteration) {
            self.file.write(*step, net, masks.clone())?;
        }
        Ok(())
    }

    pub(super) fn write_first(&self, net: &Net, masks: &Masks) -> Result<(), Error> {
        self.write(self.start, net, masks)
    }
}

impl Hook<Net> for Keep<'_> {
    /// Comes before any checkpoint from which the position would be passed over.
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<Net>) -> Result<(), HookError> {
        let done = step.iteration + 1;
        if self.at.iter().any(|(at, _)| *at == done) {
            self.write(done, &burn::module::Module::valid(&live.network), live.masks())?;
        }
        Ok(())
    }
}
