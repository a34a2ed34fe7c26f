//! A training run and its folder.
//!
//! The folder is the truth: `config.json` says what runs there, `checkpoints/`
//! how far it is, and once `record.json` is there it is done. Every file is
//! written whole or not at all, so a run that was killed is started again by the
//! same call.

use std::{
    fs::{self, File, TryLockError},
    num::NonZero,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{Masks, Source, State, sweep, write_atomic};
use sapwood_models::{Net, pack};
use sapwood_train::{Checkpoints, Evaluation, Hook, HookError, Live, Resumed, Row, StepReport, Trainer};
use serde::Serialize;
use serde_json::Value;

use crate::{Beginning, Error, Reporter, TrainConfig, fits::fits, watched::evaluate};

/// When checkpoints are written, beside the one at the end. The outcome of a run
/// does not depend on it.
#[derive(Clone, Copy, Debug)]
pub enum CheckpointEvery {
    /// After so many iterations.
    Iterations(NonZero<usize>),
    /// After so much time.
    Time(Duration),
}

/// What a finished run leaves in `record.json`. It holds nothing that differs
/// from one run of the same configuration to the next.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// What was run.
    pub config: TrainConfig,
    /// BLAKE3 of `weights.safetensors`.
    pub weights: String,
    /// How good the network is on the test split, in the end.
    pub test: Option<Evaluation>,
    /// One row per epoch.
    pub curve: Vec<Row>,
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder of a run: it is made when something is written there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The trained network.
    pub fn weights(&self) -> PathBuf {
        self.0.join("weights.safetensors")
    }

    /// What marks the run as done.
    pub fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    /// Whether the run is done.
    fn is_done(&self) -> bool {
        self.record().exists()
    }

    /// Takes the folder, which is made, for this process, until the answer is dropped
    /// or the process ends in whatever way, and clears away what an earlier one was
    /// writing. Whatever is looked at before may have changed meanwhile.
    fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.0).map_err(Error::file("make the folder", &self.0))?;
        let path = self.0.join("lock");
        let file = File::create(&path).map_err(Error::file("write", path))?;
        // A file system without locks refuses in other words: there, nobody checks.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::Busy { path: self.0.clone() });
        }
        sweep(&self.0)?;
        Ok(file)
    }

    /// The trained network, if its file is the one that the record speaks of.
    fn trained(&self, device: &Device) -> Result<Net, Error> {
        let read = |path: PathBuf| fs::read(&path).map_err(Error::file("read", path));
        let record: Value = serde_json::from_slice(&read(self.record())?).unwrap_or_default();
        if record["weights"] != digest(&read(self.weights())?) {
            let problem = "altered since the run: remove its folder, or choose another with `--out`".into();
            return Err(Error::Content { problem, path: self.weights() });
        }
        Ok(sapwood_models::open(&self.weights(), None, device)?.net)
    }

    /// Claims the folder for a configuration: it must be new or hold the same.
    fn claim(&self, config: &TrainConfig) -> Result<(), Error> {
        let path = self.0.join("config.json");
        let expected = serde_json::to_value(config).unwrap_or_default();
        match fs::read(&path) {
            Ok(bytes) => {
                let found: Value = serde_json::from_slice(&bytes).map_err(|error| Error::Content {
                    problem: format!("not a run's configuration ({error})"),
                    path: path.clone(),
                })?;
                match first_difference("", &expected, &found) {
                    None => Ok(()),
                    Some((field, expected, found)) => {
                        Err(Error::OtherRun { field, expected, found, path: self.0.clone() })
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = serde_json::to_string_pretty(config).unwrap_or_default();
                Ok(write_atomic(&path, text.as_bytes())?)
            }
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }
}

/// BLAKE3 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The first setting in which two configurations differ.
fn first_difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        _ if a == b => None,
        (Value::Object(x), Value::Object(y)) => {
            let keys: std::collections::BTreeSet<_> = x.keys().chain(y.keys()).collect();
            keys.into_iter().find_map(|key| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                first_difference(&path, &side(x), &side(y))
            })
        }
        _ => Some((path.into(), a.to_string(), b.to_string())),
    }
}

/// Trains a network in a folder, from where it was left, and writes what comes of
/// it there. A run that is done is only read.
pub fn train(
    config: &TrainConfig,
    folder: &RunFolder,
    data: &Path,
    device: &Device,
    every: CheckpointEvery,
    reporter: &dyn Reporter,
) -> Result<Evaluation, Error> {
    // What can be checked at once is checked before the folder is touched.
    let source = config.train_source(data, 1)?;
    let test = config.test_source(data)?;
    let plan = config.recipe.clone().plan(source.batches())?;
    let (net, masks) = match &config.beginning {
        Beginning::Drawn(init) => (init.apply(config.model.net(device)?, Seed(config.seed)), Masks::new()),
        Beginning::From(start) => (start.net.clone(), start.masks.clone()),
    };
    let sparse = config.sparse.as_ref().map(|sparse| sparse.hook(&plan, Seed(config.seed))).transpose()?;
    fits(&config.model, test.dataset())?;
    let lock = folder.lock()?;
    folder.claim(config)?;
    if folder.is_done() {
        drop(lock);
        reporter.note("this run is done: nothing to do");
        return evaluate(&folder.trained(device)?, &test, device, reporter);
    }

    let clock = Instant::now();
    let checkpoints = Checkpoints::in_folder(folder.path().join("checkpoints")).labelled(config.hash());
    let checkpoints = match every {
        CheckpointEvery::Iterations(n) => checkpoints.every_iterations(n),
        CheckpointEvery::Time(time) => checkpoints.every(time, || clock.elapsed()),
    };
    let total = plan.until - plan.start;
    let trained = Trainer::new(config.recipe.clone(), device)
        .masks(masks)
        .hooks(sparse)
        .test(&test)
        .checkpoints(checkpoints)
        .hook(Watch { reporter, first: plan.start, total: total as u64, epochs: config.recipe.epochs })
        .run_blocking(net, &source)?;
    reporter.end();

    let state = block_on(State::read(&trained.network))?;
    let bytes = pack(&config.model, state, trained.masks).to_bytes()?;
    write_atomic(&folder.weights(), &bytes)?;
    write_atomic(&folder.0.join("curve.csv"), curve_csv(&trained.curve).as_bytes())?;
    let evaluation = match trained.curve.last().and_then(|row| row.test) {
        Some(evaluation) => evaluation,
        None => evaluate(&trained.network, &test, device, reporter)?,
    };
    let record = Record {
        config: config.clone(),
        weights: digest(&bytes),
        test: Some(evaluation),
        curve: trained.curve,
    };
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    write_atomic(&folder.record(), text.as_bytes())?;
    Ok(evaluation)
}

fn curve_csv(curve: &[Row]) -> String {
    let mut text =
        String::from("epoch,iteration,learning_rate,train_loss,test_loss,test_top1,test_top5,test_exact\n");
    for row in curve {
        let test = |f: fn(&Evaluation) -> Option<f64>| {
            row.test.as_ref().and_then(f).map_or(String::new(), |value| value.to_string())
        };
        let (loss, top1) = (test(|e| Some(e.loss)), test(|e| Some(e.top1)));
        let (top5, exact) = (test(|e| e.top5), test(|e| e.exact));
        let Row { epoch, iteration, learning_rate, train_loss, .. } = row;
        text += &format!("{epoch},{iteration},{learning_rate},{train_loss},{loss},{top1},{top5},{exact}\n");
    }
    text
}

/// Passes a run's progress on to the reporter.
struct Watch<'a> {
    reporter: &'a dyn Reporter,
    first: usize,
    total: u64,
    epochs: usize,
}

impl Hook<Net> for Watch<'_> {
    fn on_start(&mut self, resumed: &Resumed, _live: &mut Live<Net>) -> Result<(), HookError> {
        for rejected in &resumed.rejected {
            let path = rejected.path.display();
            self.reporter.note(&format!("passed over a broken checkpoint ({}): {path}", rejected.problem));
        }
        self.reporter.begin("training", self.total);
        if let Some(from) = resumed.from {
            self.reporter.note(&format!("continues from iteration {from}"));
            self.reporter.advance((from - self.first) as u64);
        }
        Ok(())
    }

    fn on_step_end(&mut self, _step: &StepReport, _live: &mut Live<Net>) -> Result<(), HookError> {
        self.reporter.advance(1);
        Ok(())
    }

    fn on_epoch_end(&mut self, row: &Row, _live: &mut Live<Net>) -> Result<(), HookError> {
        let test = row.test.map_or(String::new(), |test| {
            format!(", test loss {:.4}, top-1 {:.2} %", test.loss, 100.0 * test.top1)
        });
        let line = format!("epoch {}/{}: training loss {:.4}{test}", row.epoch, self.epochs, row.train_loss);
        self.reporter.note(&line);
        Ok(())
    }
}
