//! How good, large and fast each network is that was made.

use std::sync::Arc;

use sapwood_backend::block_on;
use sapwood_core::{Graph, ModuleState as _, Observed as _, Source as _, State};
use sapwood_data::{Loader, Task};
use sapwood_models::open_bytes;
use sapwood_runtime::{Plan, Runtime};
use sapwood_shrink::Cost;

use super::verdict::Verdict;
use crate::{
    Classes, Conditions, Error, TrainConfig, few,
    fits::fits,
    report::statistics::{Interval, Proportion},
    rounded,
    watched::evaluate,
};

/// Networks are timed in turns, so that a machine that becomes slower does so for all: in each turn, the least of some runs.
const TURNS: usize = 5;
const RUNS: usize = 40;

/// A network that was made.
pub(super) struct Form {
    pub(super) name: String,
    pub(super) macs: u64,
    pub(super) params: u64,
    /// Right answers on the examples that decide what is taken, in percent.
    pub(super) deciding: f64,
    /// Right answers on the examples that it is tested with, in percent.
    pub(super) test: f64,
    /// Wilson's interval of these, as shares of 1.
    pub(super) interval: Option<Interval>,
    /// Of its file.
    pub(super) bytes: usize,
    pub(super) verdict: Verdict,
    /// Of one example, where the runtime computes all its layers.
    pub(super) milliseconds: Option<f64>,
    /// Of integers: the layers that are in floating point all the same.
    pub(super) float_layers: Option<Vec<String>>,
    plan: Option<Plan>,
}

impl Form {
    /// What one example takes now, in milliseconds, where the runtime computes all layers.
    pub(super) fn timed(&self) -> Result<Option<f64>, Error> {
        self.plan.as_ref().map(timed).transpose()
    }

    /// Refuses threads that the system does not have, where the runtime computes all layers.
    pub(super) fn check_threads(&self) -> Result<(), Error> {
        if let Some(plan) = &self.plan {
            plan.session()?;
        }
        Ok(())
    }

    /// Whether it has integers.
    pub(super) fn is_integers(&self) -> bool {
        self.float_layers.is_some()
    }

    /// What a row calls it.
    pub(super) fn title(&self) -> String {
        let float = self.float_layers.iter().filter(|layers| !layers.is_empty());
        let except: String = float.map(|layers| format!(" except {}", few(layers))).collect();
        format!("{}{except}{}", self.name, self.verdict.said())
    }
}

/// What tells how good a network is: examples that decide what is taken, and others that it is tested with.
pub(super) struct Judge<'a> {
    classes: Classes,
    deciding: Loader,
    test: Loader,
    /// Threads on which an example is timed.
    threads: usize,
    pub(super) conditions: &'a Conditions<'a>,
}

impl<'a> Judge<'a> {
    /// Refuses a network and a data set that do not belong together.
    pub(super) fn new(
        config: &TrainConfig,
        threads: usize,
        conditions: &'a Conditions<'a>,
    ) -> Result<Self, Error> {
        let test = config.data.test_source(conditions.datasets)?;
        let classes = fits(&config.model, config.known(), test.dataset())?;
        if let Task::Dense(_) = test.dataset().task() {
            let problem = "what may be lost is counted in right classes, and the data set has none: name one with classes";
            return Err(Error::setting("data", problem));
        }
        let (deciding, test) = match config.kept_back(conditions.datasets)? {
            Some(kept_back) => (kept_back, test),
            None => halves(&test)?,
        };
        let (deciding, test) = (classes.of_batches(deciding)?, classes.of_batches(test)?);
        Ok(Self { classes, deciding, test, threads, conditions })
    }

    /// Examples with the labels that the network's outputs have.
    pub(super) fn labelled(&self, examples: Loader) -> Result<Loader, Error> {
        self.classes.of_batches(examples)
    }

    /// The number of examples that decide, and of those that it is tested with.
    pub(super) fn examples(&self) -> [usize; 2] {
        [&self.deciding, &self.test].map(|examples| examples.examples())
    }

    /// What the data set is called.
    pub(super) fn data(&self) -> &str {
        self.test.dataset().name()
    }

    /// A network as its file means it.
    pub(super) fn form(&self, name: &str, file: &[u8]) -> Result<Form, Error> {
        let Conditions { device, reporter, .. } = *self.conditions;
        let opened = open_bytes(file, name, None, device)?;
        let network = rounded(&opened);
        let deciding = evaluate(&network, &self.deciding, device, reporter)?;
        let test = evaluate(&network, &self.test, device, reporter)?;
        let right = (test.top1 * test.examples as f64).round() as usize;
        let graph = opened.net.graph().clone();
        let Cost { macs, params, .. } = Cost::of(&graph)?;
        let state = block_on(State::read(&opened.net))?;
        let plan = match &opened.integers {
            Some(integers) => self.runtime().plan_integers(&integers.network(graph, state)),
            None => self.runtime().plan(&graph, &state),
        };
        Ok(Form {
            name: name.into(),
            macs,
            params,
            deciding: 100.0 * deciding.top1,
            test: 100.0 * test.top1,
            interval: Proportion::new(right, test.examples).map(|found| found.interval),
            bytes: file.len(),
            verdict: Verdict::Taken,
            milliseconds: None,
            float_layers: None,
            plan: plan.ok(),
        })
    }

    /// What one example takes now in a network in floating point, in milliseconds, where the runtime computes all layers.
    pub(super) fn milliseconds(&self, graph: &Graph, state: &State) -> Result<Option<f64>, Error> {
        self.runtime().plan(graph, state).ok().as_ref().map(timed).transpose()
    }

    fn runtime(&self) -> Runtime {
        Runtime::new().level(sapwood_deploy::latency::level()).threads(self.threads)
    }
}

/// A test split in halves, of each class its share.
fn halves(test: &Loader) -> Result<(Loader, Loader), Error> {
    let all = test.dataset();
    let (rest, half) = all.hold_out_of_each(all.len() / 2).map_err(|error| {
        let problem = format!(
            "one half of the test split decides what is taken, and the other half tests it, but it is too small for that: keep \
             back training examples in its place ({error})"
        );
        Error::setting("small.hold_out", problem)
    })?;
    Ok((test.clone().over(Arc::new(half))?, test.clone().over(Arc::new(rest))?))
}

/// What one example takes now, in milliseconds.
fn timed(plan: &Plan) -> Result<f64, Error> {
    least(plan, TURNS * RUNS)
}

/// The least milliseconds of some runs, one example at once.
fn least(plan: &Plan, runs: usize) -> Result<f64, Error> {
    let found = plan.session()?.profile(&vec![0.5; plan.sizes()[0]], runs)?;
    Ok(1e3 * found.whole.as_secs_f64())
}

/// Times all of them. Each has threads only for its turn: many networks ask the system for no more of them than one does.
pub(super) fn time(forms: &mut [Form]) -> Result<(), Error> {
    for _ in 0..TURNS {
        for form in forms.iter_mut() {
            let Some(plan) = &form.plan else { continue };
            let found = least(plan, RUNS)?;
            form.milliseconds = Some(form.milliseconds.map_or(found, |before| before.min(found)));
        }
    }
    Ok(())
}

/// Says of integers that lose no more than may be lost how they stand to the numbers that they were made of, once all are
/// timed.
pub(super) fn compare(forms: &mut [Form], most: Option<f64>) {
    let last = |integers: bool| {
        forms.iter().rposition(|form| form.is_integers() == integers && form.verdict == Verdict::Taken)
    };
    let (Some(float), Some(integers)) = (last(false), last(true)) else { return };
    let both = [float, integers].map(|at| &forms[at]);
    let (milliseconds, bytes) = (both.map(|form| form.milliseconds), both.map(|form| form.bytes));
    forms[integers].verdict = Verdict::of_integers(milliseconds, bytes, most);
}
