//! How good, large and fast each network is that was made.

use std::{sync::Arc, time::Duration};

use sapwood_backend::block_on;
use sapwood_core::{ModuleState as _, Observed as _, Source as _, State};
use sapwood_data::{Loader, Task};
use sapwood_models::open_bytes;
use sapwood_runtime::{Plan, Runtime};
use sapwood_shrink::Cost;

use crate::{Classes, Conditions, Error, TrainConfig, fits::fits, rounded, watched::evaluate};

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
    /// Of its file.
    pub(super) bytes: usize,
    /// Whether it loses no more than may be lost.
    pub(super) is_taken: bool,
    /// Of one example on one thread, where the runtime computes all its layers.
    pub(super) milliseconds: Option<f64>,
    plan: Option<Plan>,
}

impl Form {
    /// What one example takes on one thread now, in milliseconds, where the runtime computes all layers.
    pub(super) fn timed(&self) -> Result<Option<f64>, Error> {
        let Some(plan) = &self.plan else { return Ok(None) };
        let found = plan.session()?.profile(&vec![0.5; plan.sizes()[0]], TURNS * RUNS)?;
        Ok(Some(1e3 * found.whole.as_secs_f64()))
    }
}

/// What tells how good a network is: examples that decide what is taken, and others that it is tested with.
pub(super) struct Judge<'a> {
    classes: Classes,
    deciding: Loader,
    test: Loader,
    pub(super) conditions: &'a Conditions<'a>,
}

impl<'a> Judge<'a> {
    /// Refuses a network and a data set that do not belong together.
    pub(super) fn new(config: &TrainConfig, conditions: &'a Conditions<'a>) -> Result<Self, Error> {
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
        Ok(Self { classes, deciding, test, conditions })
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
        let right = |examples| Ok::<_, Error>(100.0 * evaluate(&network, examples, device, reporter)?.top1);
        let (deciding, test) = (right(&self.deciding)?, right(&self.test)?);
        let graph = opened.net.graph().clone();
        let Cost { macs, params, .. } = Cost::of(&graph)?;
        let runtime = Runtime::new().level(sapwood_deploy::latency::level());
        let state = block_on(State::read(&opened.net))?;
        let plan = match &opened.integers {
            Some(integers) => runtime.plan_integers(&integers.network(graph, state)),
            None => runtime.plan(&graph, &state),
        };
        let (name, bytes) = (name.into(), file.len());
        Ok(Form {
            name,
            macs,
            params,
            deciding,
            test,
            bytes,
            is_taken: true,
            milliseconds: None,
            plan: plan.ok(),
        })
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

/// Times all of them on one thread, one example at once.
pub(super) fn time(forms: &mut [Form]) -> Result<(), Error> {
    let mut timed = Vec::new();
    for (at, plan) in forms.iter().enumerate().filter_map(|(at, form)| Some((at, form.plan.as_ref()?))) {
        timed.push((at, vec![0.5; plan.sizes()[0]], plan.session()?, Duration::MAX));
    }
    for _ in 0..TURNS {
        for (_, example, session, least) in &mut timed {
            *least = session.profile(example, RUNS)?.whole.min(*least);
        }
    }
    let found: Vec<_> = timed.into_iter().map(|(at, .., least)| (at, 1e3 * least.as_secs_f64())).collect();
    found.into_iter().for_each(|(at, milliseconds)| forms[at].milliseconds = Some(milliseconds));
    Ok(())
}
