//! The weight files of a run.

use burn::tensor::Tensor;
use sapwood_backend::block_on;
use sapwood_core::{Masks, ModuleState, Network, State, StateFile, Step, TrainedOn, write_atomic};
use sapwood_models::{Net, Spec, pack};
use sapwood_quant::FakeQuantized;
use sapwood_train::{Hook, HookError, Live, Plan, Resumed, StepReport};

use crate::{Error, Reporter, RunFolder, integers_file, lines, run_folder::digest};

/// What the weight files of a run say about its network, and where they lie.
#[derive(Clone, Copy)]
pub(super) struct Described<'a> {
    pub(super) spec: &'a Spec,
    pub(super) trained_on: &'a TrainedOn,
    pub(super) folder: &'a RunFolder,
}

/// A network of which a run leaves a weight file.
pub(super) trait Left: Network<Input = Tensor<4>, Output = Tensor<2>> {
    /// What lies in the file.
    fn file(&self, spec: &Spec, trained_on: &TrainedOn, masks: Masks) -> Result<StateFile, Error>;
}

impl Left for Net {
    fn file(&self, spec: &Spec, trained_on: &TrainedOn, masks: Masks) -> Result<StateFile, Error> {
        let state = block_on(State::read(self))?;
        // No loss tells of statistics that have grown without end.
        state.check_finite()?;
        Ok(pack(spec, Some(trained_on), state, masks)?)
    }
}

/// As integers, with its normalisations folded.
impl Left for FakeQuantized<Net> {
    fn file(&self, spec: &Spec, trained_on: &TrainedOn, masks: Masks) -> Result<StateFile, Error> {
        let made = block_on(self.integers())?;
        made.rest.check_finite()?;
        integers_file(made, &Spec { folded: true, ..spec.clone() }, Some(trained_on), masks)
    }
}

impl Described<'_> {
    /// Writes a network as it is at a position, and tells the BLAKE3 of the file.
    pub(super) fn write(&self, at: Step, net: &impl Left, masks: Masks) -> Result<String, Error> {
        let bytes = net.file(self.spec, self.trained_on, masks)?.to_bytes()?;
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
    reporter: &'a dyn Reporter,
}

impl<'a> Keep<'a> {
    pub(super) fn new(steps: &[Step], plan: &Plan, file: Described<'a>, reporter: &'a dyn Reporter) -> Self {
        let position = |step: &Step| (step.iterations(plan.length.per_epoch, plan.length.total), *step);
        let at = steps.iter().filter(|step| **step != Step::End).map(position).collect();
        Self { at, start: plan.start, file, reporter }
    }

    fn write(&self, iteration: usize, net: &impl Left, masks: &Masks) -> Result<(), Error> {
        for (_, step) in self.at.iter().filter(|(at, _)| *at == iteration) {
            self.file.write(*step, net, masks.clone())?;
        }
        Ok(())
    }

    pub(super) fn write_first(&self, net: &impl Left, masks: &Masks) -> Result<(), Error> {
        self.write(self.start, net, masks)
    }
}

impl<N: Left> Hook<N> for Keep<'_> {
    /// What is asked for where the run has come to is written, and what it has passed is told of.
    fn on_start(&mut self, resumed: &Resumed, live: &mut Live<N>) -> Result<(), HookError> {
        let Some(from) = resumed.from else { return Ok(()) };
        let passed = self.at.iter().filter(|(at, _)| *at < from).map(|(_, step)| *step);
        if let Err(error) = self.file.folder.check_kept(passed) {
            lines::note(self.reporter, format_args!("note: {error}"));
        }
        if self.at.iter().any(|(at, _)| *at == from) {
            self.write(from, &burn::module::Module::valid(&live.network), live.masks())?;
        }
        Ok(())
    }

    /// Comes before any checkpoint from which the position would be passed over.
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        let done = step.iteration + 1;
        if self.at.iter().any(|(at, _)| *at == done) {
            self.write(done, &burn::module::Module::valid(&live.network), live.masks())?;
        }
        Ok(())
    }
}
