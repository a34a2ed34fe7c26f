//! How long a study takes.

use std::time::Instant;

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on, read_all};
use sapwood_core::{Anatomy, Batch, ExampleShape, Layout, Source, SourceError, Target, tensors};
use sapwood_data::Task;
use sapwood_train::{Recipe, Trainer};

use super::{Plan, Results, Row, Run, State};
use crate::Error;

/// Steps that are timed; one before them warms up.
const STEPS: usize = 2;

impl Run {
    /// Multiply-accumulates of its training, as if dense, with those of the dense run that teaches it.
    ///
    /// # Errors
    /// A recipe that cannot be followed; a network that cannot be built.
    pub fn training_macs(&self) -> Result<f64, Error> {
        let batches = self.examples.div_ceil(self.spec.batch_size);
        let recipe = match (&self.spec.pruning, &self.spec.share) {
            (_, Some(share)) => share.recipe(),
            (Some(pruning), None) => pruning.recipe(&self.spec.recipe, batches)?,
            (None, None) => self.spec.recipe.clone(),
        };
        let plan = recipe.plan(batches)?;
        let macs = self.spec.model.graph()?.anatomy(self.spec.model.input)?.macs();
        let steps = (plan.until - plan.start) as f64;
        Ok(self.passes() * macs as f64 * self.examples as f64 * steps / batches as f64)
    }

    /// The forward passes that a step costs for each of its examples, with that of the dense run that teaches it.
    fn passes(&self) -> f64 {
        // Shared values have no teacher.
        let pruning = self.spec.pruning.as_ref().filter(|_| self.spec.share.is_none());
        let is_taught = pruning.is_some_and(|pruning| pruning.distill.is_some());
        Anatomy::TRAINING_PASSES + if is_taught { 1.0 } else { 0.0 }
    }
}

impl Plan {
    /// How many seconds the runs that are left take on one worker, if a multiply-accumulate
    /// of training takes this number.
    ///
    /// # Errors
    /// Those of [`Run::training_macs`].
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
        // The ledger has a teacher's among those of evaluation.
        let macs = |row: &Row| row.account.training_macs.dense * row.run.passes() / Anatomy::TRAINING_PASSES;
        let rate = self.account().usage.wall_s / self.rows.iter().map(macs).sum::<f64>();
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}

/// The seconds that a multiply-accumulate takes in a training step of this run's network,
/// on boards or images of nothing: data need not be there.
///
/// # Errors
/// A network that cannot be built or does not answer the task; an optimizer that cannot be trained with; a loss that is
/// not finite; a device that fails.
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
    Ok(seconds / (Anatomy::TRAINING_PASSES * macs as f64 * spec.batch_size as f64))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sapwood_prune::Criteria;
    use sapwood_train::Evaluation;

    use super::*;
    use crate::{
        Datasets, Outcome,
        ledger::{Account, Macs},
    };

    const STUDY: &str = r#"
kind = "prune"
sparsities = [0.9]

[data]
name = "life"

[model]
name = "life-net"

[training]
batch_size = 8
epochs = 3
optimizer = { name = "adamw" }
learning_rate = 0.01

[[methods]]
criterion = "magnitude"
at = "end"
distill = ["none", "at"]
"#;

    /// A run that took a nanosecond for each multiply-accumulate, the teacher's among them.
    fn row(run: Run) -> Row {
        let macs = run.training_macs().unwrap();
        let mut account = Account { stretches: 1, ..Account::default() };
        account.usage.wall_s = 1e-9 * macs;
        let is_taught = run.label.method.contains("distilled");
        account.training_macs.dense = if is_taught { macs * 3.0 / 4.0 } else { macs };
        let test = Evaluation { examples: 1, loss: 0.0, top1: 0.0, top5: None, exact: None };
        let (weights, macs) = (String::new(), Macs::default());
        let outcome = Outcome { weights, test, macs, layers: Vec::new(), curve: Vec::new() };
        Row { run, outcome, rule: None, instability: None, packed: None, account }
    }

    #[test]
    fn the_runs_that_are_done_tell_the_time_of_those_that_are_left_whoever_is_taught() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.toml");
        std::fs::write(&path, STUDY).unwrap();
        let plan =
            Plan::read(&Criteria::default(), &path, &[], &Datasets::below(Path::new("nowhere"))).unwrap();
        let [dense, plain, taught] = plan.runs.as_slice() else { panic!("three runs") };
        assert_eq!(3.0 * taught.training_macs().unwrap(), 4.0 * plain.training_macs().unwrap());
        for done in [vec![dense], vec![taught], vec![dense, plain, taught]] {
            let results = Results { rows: done.into_iter().cloned().map(row).collect(), planned: 3 };
            let rate = results.seconds_per_mac().unwrap();
            assert!((rate - 1e-9).abs() < 1e-18, "{rate}");
        }
        assert_eq!(Results { rows: Vec::new(), planned: 3 }.seconds_per_mac(), None);
    }
}
