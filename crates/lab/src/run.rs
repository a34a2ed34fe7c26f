//! A training run, in a folder of its own.

mod begun;
mod learning;
mod prepared;
mod weights;

use std::{
    num::NonZero,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use burn::prelude::Device;
use sapwood_backend::block_on;
use sapwood_core::{Observed, Source, Step, write_atomic};
use sapwood_data::Loader;
use sapwood_prune::{Diagnosis, LayerHealth, MaskSet};
use sapwood_quant::{Examples, Rounds};
use sapwood_supernet::RunContext;
use sapwood_train::{Checkpoints, Evaluation, Row};
use serde::{Deserialize, Serialize};

use crate::{
    Datasets, Error, Reporter, RunFolder, TrainConfig,
    ledger::Macs,
    levels, lines,
    probe::{Features, Probe},
    rounded,
    watched::evaluate,
    work::{Counted, Work, forward_macs},
};
use begun::Begun;
use learning::{Learning, Learnt, Sources, curve_csv};
pub(crate) use prepared::Prepared;
use weights::Described;

/// When checkpoints are written, beside the one at the end. The outcome of a run
/// does not depend on it.
#[derive(Clone, Copy, Debug)]
pub enum CheckpointEvery {
    /// After this number of iterations.
    Iterations(NonZero<usize>),
    /// After this time.
    Time(Duration),
}

impl Default for CheckpointEvery {
    /// Every three seconds.
    fn default() -> Self {
        Self::Time(Duration::from_secs(3))
    }
}

/// Under which conditions a run goes on. Its outcome does not depend on them.
#[derive(Clone, Copy)]
pub struct Conditions<'a> {
    /// Where data sets are read from.
    pub datasets: &'a Datasets,
    /// Where it is computed.
    pub device: &'a Device,
    /// How often a checkpoint is written.
    pub every: CheckpointEvery,
    /// Positions whose weights are wanted as well: see [`RunFolder::weights_at`].
    pub keep: &'a [Step],
    /// Who is told how it goes.
    pub reporter: &'a dyn Reporter,
    /// What counts the work.
    pub work: &'a Work,
    /// Once this is true the run writes a checkpoint and stops.
    pub stop: &'a AtomicBool,
}

/// What a finished run leaves in `record.json`. It holds nothing that differs
/// from one run of the same configuration to the next.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// What was run.
    pub config: TrainConfig,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// BLAKE3 of `weights.safetensors`.
    pub weights: String,
    /// How good the network is on the test split, in the end.
    pub test: Evaluation,
    /// Multiply-accumulates of the network's forward pass on one example.
    pub macs: Macs,
    /// The layers that have masks in the end, in the order in which they run.
    pub layers: Vec<LayerHealth>,
    /// One row per epoch.
    pub curve: Vec<Row>,
}

/// Trains a network in a folder, from where it was left, and writes what comes of
/// it there. A run that is done is only read.
///
/// # Errors
/// Settings that do not go together or with the data; data that cannot be read; a folder of another run or with other
/// files, or in which another process works; a loss or weights that are not finite; files that cannot be written; once
/// it is asked to stop, [`sapwood_train::Error::Stopped`].
pub fn train(
    config: &TrainConfig,
    folder: &RunFolder,
    conditions: &Conditions<'_>,
) -> Result<Evaluation, Error> {
    train_told(config, folder, conditions, None)
}

/// [`train`]; as one of several where some of its notes were told before, and whoever calls tells that it is done.
pub(crate) fn train_told(
    config: &TrainConfig,
    folder: &RunFolder,
    conditions: &Conditions<'_>,
    told: Option<&[String]>,
) -> Result<Evaluation, Error> {
    let Conditions { datasets, device, reporter, keep, .. } = *conditions;
    // What can be checked at once is checked before the folder is touched.
    let config = &TrainConfig { data: datasets.identified(config.data.clone())?, ..config.clone() };
    let prepared = config.prepared(datasets, device, keep)?;
    folder.check_unused(keep)?;
    let lock = folder.lock()?;
    folder.claim(config)?;
    for note in prepared.notes.iter().filter(|note| !told.is_some_and(|told| told.contains(note))) {
        lines::note(reporter, format_args!("note: {note}"));
    }
    datasets.tell(reporter);
    if folder.is_done() {
        folder.check_kept(keep.iter().copied())?;
        drop(lock);
        if told.is_none() {
            lines::note(reporter, "this run is done: nothing to do");
        }
        return evaluate(&folder.trained(device)?, &prepared.test, device, reporter);
    }
    let outcome = follow(config, prepared, folder, conditions);
    if outcome.is_err() {
        folder.give_back(keep);
    }
    outcome
}

/// Trains what was prepared, in a folder that is this run's.
fn follow(
    config: &TrainConfig,
    prepared: Prepared,
    folder: &RunFolder,
    conditions: &Conditions<'_>,
) -> Result<Evaluation, Error> {
    let Conditions { datasets, device, reporter, work, .. } = *conditions;
    let Prepared { source, test, kept_back, plan, net, masks, lessons, probe, hooks, mixing, qat, .. } =
        prepared;
    let trained_on = test.dataset().trained_on();
    if let Some(mixed) = levels::of_run(folder.path(), device)? {
        lines::note(reporter, mixed);
    }
    let Begun { net, bounds } = Begun::of(config, (net, qat.as_ref()), folder, conditions)?;
    // Its features are those of the network that the run was begun with.
    let probe = probe.map(|_| Probe::of(&net, device)).transpose()?.map(|probe| probe.with_ops(config.ops));
    let anatomy = config.model.graph()?.anatomy(source.dataset().shape())?;
    work.example_costs(forward_macs(&anatomy, &masks));
    let of = |probe: &Probe, loader| probe.of_examples(loader, datasets.cache(), device, reporter);
    let cached = |loader| probe.as_ref().map(|probe| of(probe, loader)).transpose();
    if let Some(teacher) = &config.transfer.teacher {
        work.teacher_costs(teacher.net.graph().anatomy(source.dataset().shape())?.macs());
    }
    let of_kept_back = kept_back.as_ref().map(cached).transpose()?.flatten();
    let features = (cached(&source)?, cached(&test)?);
    let source = Counted { inner: seen(&features.0, &source), work, trained: true };
    let test = Counted { inner: seen(&features.1, &test), work, trained: false };
    let kept_back = kept_back.as_ref().map(|examples| Counted {
        inner: seen(&of_kept_back, examples),
        work,
        trained: false,
    });
    let kept_back = kept_back.as_ref().map(|counted| counted as &dyn Source);
    let file = Described { spec: &config.model, trained_on: &trained_on, folder };
    let learning = Learning { config, plan: &plan, conditions, file, anatomy: &anatomy };
    let sources = Sources { train: &source, kept_back, test: &test };
    let qat = config.quantize.as_ref().zip(qat);
    let (trained, weights) = match (qat, &probe, lessons) {
        (None, None, None) => learning.learn(net, masks, sources, |trainer| {
            let trainer = trainer.hooks(hooks);
            match mixing {
                Some(mixing) => trainer.objective(mixing),
                None => trainer,
            }
        })?,
        (None, None, Some(lessons)) => {
            learning.learn(net, masks, sources, |trainer| trainer.objective(lessons).hooks(hooks))?
        }
        (None, Some(probe), _) => learning.probe(probe, net, masks, sources)?,
        (Some((quantize, qat)), _, _) => {
            let examples = config.plain_source(datasets)?;
            let examples = Examples::new(&examples, quantize.calibrate)?;
            let net = block_on(qat.begin_between(&bounds, net.node_by_node(), examples, device))?;
            let rounds = Rounds { frozen_from: quantize.frozen_from(&plan)? };
            let (trained, weights) =
                learning.learn(net, masks, sources, |trainer| trainer.objective(rounds))?;
            // What the file means is what counts.
            let network = rounded(&sapwood_models::open(&folder.weights(), None, device)?);
            let test = evaluate(&network, &test, device, reporter)?;
            (Learnt { test, ..trained }, weights)
        }
    };
    let test = trained.test;
    let masks = MaskSet::from(trained.masks.clone());
    let Diagnosis { layers, warnings, .. } = Diagnosis::of(&config.model.graph()?, &masks)?;
    if config.sparse.is_some() {
        warnings.iter().for_each(|warning| lines::warn(reporter, warning));
    }
    let tested = if config.small.hold_out.is_some() { "kept_back" } else { "test" };
    write_atomic(&folder.curve(), curve_csv(&trained.curve, tested).as_bytes())?;
    let macs = forward_macs(&anatomy, masks.as_masks());
    let outcome = Outcome { weights, test, macs, layers, curve: trained.curve };
    let record = Record { config: without_place(config), outcome };
    let text = serde_json::to_string_pretty(&record).map_err(Error::unwritable)?;
    write_atomic(&folder.record(), text.as_bytes())?;
    tracing::info!(top1 = test.top1, test_loss = test.loss, folder = %folder.path().display(), "run written");
    Ok(test)
}

/// A configuration but for where a list of examples lies, if it says what is on the list: what its hash is of.
fn without_place(config: &TrainConfig) -> TrainConfig {
    let mut config = config.clone();
    if let Some(chosen) = &mut config.data.only
        && chosen.digest.is_some()
    {
        chosen.list = PathBuf::new();
    }
    config
}

/// What a network is shown: features of the examples, where they were computed, or the examples.
fn seen<'a>(features: &'a Option<Features>, examples: &'a Loader) -> &'a dyn Source {
    match features {
        Some(features) => features,
        None => examples,
    }
}

impl Conditions<'_> {
    /// What of it accompanies the training of nested networks.
    pub(crate) fn context(&self) -> RunContext<'_> {
        RunContext {
            device: self.device,
            checkpoints: Box::new(|checkpoints| self.every.apply(checkpoints)),
            reporter: self.reporter,
            stop: Box::new(|| self.stop.load(Relaxed)),
        }
    }
}

impl CheckpointEvery {
    /// Checkpoints that are written so often, from now on.
    pub(crate) fn apply(self, checkpoints: Checkpoints<'_>) -> Checkpoints<'_> {
        let clock = Instant::now();
        match self {
            Self::Iterations(n) => checkpoints.every_iterations(n),
            Self::Time(time) => checkpoints.every(time, move || clock.elapsed()),
        }
    }
}
