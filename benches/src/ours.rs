//! Our steps.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use anyhow::{Result, anyhow};
use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::{DeviceSpec, Seed, Timer, block_on, read};
use sapwood_core::{Batch, ExampleShape, Masks, Network, Pass, Source, SourceError};
use sapwood_models::{Init, Net};
use sapwood_prune::{Cut, Magnitude, NetworkProbe, Sparsity};
use sapwood_train::{Hook, HookError, Live, Recipe, Sgd, StepReport, Trainer};

use crate::{Case, Side, case::LEARNING_RATE, scoring::SPARSITY};

/// An epoch that no measurement comes to the end of: what the trainer does
/// between epochs is not part of a step.
const ENDLESS: usize = u32::MAX as usize;

/// As much as a main thread has: the trainer runs on one of its own.
const STACK_BYTES: usize = 8 << 20;

/// The trainer, doing one step at a time.
///
/// Nothing of it is imitated: [`Trainer::run_blocking`] runs on a thread of its
/// own and waits for its data, which come when a step is asked for. The clock
/// runs from the moment when it gets a batch to the moment when it tells its
/// hooks that the step is over, so the copy of the batch to the device and the
/// reading of the loss are part of a step.
pub struct Training {
    go: Option<Sender<()>>,
    done: Receiver<f64>,
    trainer: Option<JoinHandle<Result<()>>>,
}

impl Training {
    /// A newly initialised network, waiting for its first step.
    ///
    /// # Errors
    /// No CPU backend in this build, or no thread to be had.
    pub fn start(case: &Case) -> Result<Self> {
        let (net, device) = net(case)?;
        Self::on(net, Masks::new(), device, case.data()?)
    }

    /// The same with the smallest 90 % of its weights masked.
    ///
    /// # Errors
    /// Those of [`Training::start`].
    pub fn start_masked(case: &Case) -> Result<Self> {
        let (net, device) = net(case)?;
        let cut = Cut::to(Sparsity::try_from(SPARSITY)?);
        let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None)?;
        Self::on(net, masks.into_masks(), device, case.data()?)
    }

    fn on(net: Net, masks: Masks, device: Device, batch: Batch) -> Result<Self> {
        let (go, wait) = channel();
        let (tell, done) = channel();
        let source = OneBatch { batch, go: wait.into(), timer: Mutex::new(None) };
        let trainer = Builder::new().name("trainer".into()).stack_size(STACK_BYTES).spawn(move || {
            let recipe = Recipe::new(1, Sgd { momentum: 0.9, nesterov: false }, LEARNING_RATE);
            let stopwatch = Stopwatch { source: &source, tell };
            Trainer::new(recipe, &device).masks(masks).hook(stopwatch).run_blocking(net, &source)?;
            Ok(())
        })?;
        Ok(Self { go: Some(go), done, trainer: Some(trainer) })
    }

    /// Why the trainer ended.
    fn ending(&mut self) -> anyhow::Error {
        match self.trainer.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Err(_)) => anyhow!("the trainer panicked"),
            _ => anyhow!("the trainer has ended"),
        }
    }
}

impl Side for Training {
    fn step(&mut self) -> Result<f64> {
        let asked = self.go.as_ref().is_some_and(|go| go.send(()).is_ok());
        match self.done.recv() {
            Ok(seconds) if asked => Ok(seconds),
            _ => Err(self.ending()),
        }
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        // Without anybody to ask for steps the data end, and with them the run.
        self.go = None;
        self.ending();
    }
}

/// The same batch again and again, each time when it is asked for.
struct OneBatch {
    batch: Batch,
    go: Mutex<Receiver<()>>,
    timer: Mutex<Option<Timer>>,
}

impl OneBatch {
    fn next(&self) -> Option<Result<Batch, SourceError>> {
        self.go.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()?;
        let batch = self.batch.clone();
        let started = DeviceSpec::CPU.resolve().and_then(|device| Timer::start(&device));
        Some(started.map_err(SourceError::from).map(|timer| {
            *self.timer.lock().unwrap_or_else(PoisonError::into_inner) = Some(timer);
            batch
        }))
    }
}

impl Source for OneBatch {
    fn examples(&self) -> usize {
        self.batches().saturating_mul(self.batch.len())
    }

    fn batches(&self) -> usize {
        ENDLESS
    }

    fn shape(&self) -> ExampleShape {
        self.batch.shape()
    }

    fn epoch(
        &self,
        _epoch: usize,
        _from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(std::iter::from_fn(|| self.next()))
    }
}

/// Tells how long each step took.
struct Stopwatch<'a> {
    source: &'a OneBatch,
    tell: Sender<f64>,
}

impl<N: Network> Hook<N> for Stopwatch<'_> {
    fn on_step_end(&mut self, _step: &StepReport, _live: &mut Live<N>) -> Result<(), HookError> {
        let timer = self.source.timer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(timer) = timer {
            self.tell.send(timer.stop()?.as_secs_f64())?;
        }
        Ok(())
    }
}

/// A network that is only run.
pub struct Inference {
    net: Net,
    input: Tensor<4>,
    device: Device,
}

impl Inference {
    /// A newly initialised network and its input, both on the device.
    ///
    /// # Errors
    /// No CPU backend in this build.
    pub fn start(case: &Case) -> Result<Self> {
        let (net, device) = net(case)?;
        let input = case.data()?.input(&device)?;
        Ok(Self { net, input, device })
    }
}

impl Side for Inference {
    fn step(&mut self) -> Result<f64> {
        let input = self.input.clone();
        let timer = Timer::start(&self.device)?;
        block_on(read(self.net.forward(input, &mut Pass::evaluate())))?;
        Ok(timer.stop()?.as_secs_f64())
    }
}

fn net(case: &Case) -> Result<(Net, Device)> {
    let device = DeviceSpec::CPU.resolve()?;
    Ok((Init::default().apply(case.spec.net(&device)?.with_ops(case.ops), Seed(0)), device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;
    use sapwood_core::Target;

    fn check(model: &str, mut side: impl Side) {
        let seconds: Vec<f64> = (0..3).map(|_| side.step().unwrap()).collect();
        assert!(seconds.iter().all(|seconds| 0.0 < *seconds && *seconds < 60.0), "{model}: {seconds:?}");
    }

    #[test]
    fn steps_come_one_at_a_time_and_stop_when_nobody_asks() {
        for model in ["lenet-300-100", "life-net", "mlp"] {
            check(model, Training::start(&Case::new(model, Some(2), Work::Train).unwrap()).unwrap());
            check(model, Inference::start(&Case::new(model, Some(2), Work::Infer).unwrap()).unwrap());
        }
    }

    #[test]
    fn the_trainers_own_error_comes_out_of_the_step() {
        let case = Case::new("lenet-300-100", Some(2), Work::Train).unwrap();
        let (net, device) = net(&case).unwrap();
        let data =
            Batch::of_inputs(case.data().unwrap().inputs().to_vec(), Target::Class(vec![3, 10])).unwrap();
        let mut side = Training::on(net, Masks::new(), device, data).unwrap();
        let error = side.step().unwrap_err().to_string();
        assert!(error.contains("10"), "{error}");
        assert!(side.step().is_err());
    }
}
