//! How long a study takes.

use std::time::Instant;

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on, read_all};
use sapwood_core::{Batch, ExampleShape, Layout, Source, SourceError, Target, tensors};
use sapwood_data::Task;
use sapwood_train::{Recipe, Trainer};

use super::{Plan, Results, Run, State};
use crate::Error;

/// Steps that are timed; one before them warms up.
const STEPS: usize = 2;

impl Run {
    /// Multiply-accumulates of its training, as if dense.
    pub fn training_macs(&self) -> Result<f64, Error> {
        let batches = self.examples.div_ceil(self.spec.batch_size);
        let recipe = match (&self.spec.pruning, &self.spec.share) {
            (_, Some(share)) => share.recipe(),
            (Some(pruning), None) => pruning.recipe(&self.spec.recipe, batches)?,
            (None, None) => self.spec.recipe.clone(),
        };
        let plan = recipe.plan(batches)?;
        let macs = self.spec.model.graph()?.anatomy(self.spec.model.input)?.macs();
        Ok(3.0 * macs as f64 * self.examples as f64 * (plan.until - plan.start) as f64 / batches as f64)
    }
}

impl Plan {
    /// How many seconds the runs that are left take on one worker, if a multiply-accumulate
    /// of training takes this number.
    pub fn forecast(&self, states: &[State], seconds_per_mac: f64) -> Result<f64, Error> {
        let left = self.runs.iter().zip(states).filter(|(_, state)| **state != State::Done);
        let macs = left.map(|(run, _)| run.training_macs()).sum::<Result<f64, _>>()?;
        Ok(macs * seconds_per_mac)
    }
}

impl Results {
    /// The seconds that a multiply-accumulate of training took in the runs that are done,
    /// all else included; `None` if none is.
    pub fn seconds_per_mac(&self) -> Option<f64> {
        let account = self.account();
        let rate = account.usage.wall_s / account.training_macs.dense;
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}

/// The seconds that a multiply-accumulate takes in a training step of this run's network,
/// on boards or images of nothing: data need not be there.
pub fn time_a_step(run: &Run, task: Task, device: &Device) -> Result<f64, Error> {
    let spec = &run.spec;
    let nothing = Nothing { batch_size: spec.batch_size, shape: spec.model.input, task };
    let train = |steps: usize| {
        let net = spec.init.apply(spec.model.net(device)?, Seed(0));
        let recipe = Recipe { epochs: steps, ..Recipe::new(steps, spec.recipe.optimizer, 1e-6) };
        let start = Instant::now();
        let trained = Trainer::new(recipe, device).run_blocking(net, &nothing)?;
        // A GPU is done when its results can be read.
        let last = tensors(&trained.network, Layout::Stored).into_iter().map(|(_, value)| value).take(1);
        block_on(read_all(last.collect()))?;
        Ok::<_, Error>(start.elapsed().as_secs_f64())
    };
    train(1)?;
    let seconds = train(STEPS)? / STEPS as f64;
    let macs = spec.model.graph()?.anatomy(spec.model.input)?.macs();
    Ok(seconds / (3.0 * macs as f64 * spec.batch_size as f64))
}

/// One batch of zeros an epoch.
struct Nothing {
    batch_size: usize,
    shape: [usize; 3],
    task: Task,
}

impl Source for Nothing {
    fn examples(&self) -> usize {
        self.batch_size
    }

    fn batches(&self) -> usize {
        1
    }

    fn shape(&self) -> ExampleShape {
        self.shape.into()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let [c, h, w] = self.shape;
        let target = match self.task {
            Task::Classes(_) => Target::Class(vec![0; self.batch_size]),
            Task::Dense(values) => Target::Dense(vec![0.0; self.batch_size * values]),
        };
        let input = vec![0.0; self.batch_size * c * h * w];
        let batch = Batch::new([self.batch_size, c, h, w], input, target).map_err(SourceError::from);
        Box::new(std::iter::once(batch).skip(from))
    }
}
