//! The runs of an experiment.

use std::path::Path;

use sapwood_backend::{Seed, block_on};
use sapwood_core::{Anatomy, ModuleState, Source, State, identity, write_atomic};
use sapwood_search::Genome;
use sapwood_supernet::{Family, Judged, Progressive, Tenths, single, training_macs};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{JudgingImages, MethodConfig, SupernetExperiment, pack_cut};
use crate::{Conditions, Error, Known, RunFolder};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// A method with a seed.
    Method(usize, u64),
    /// One of the judged networks by itself, with a seed.
    Alone(usize, u64),
}

/// What a finished run leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SupernetRecord {
    pub(super) method: String,
    pub(super) replicate: u64,
    /// Multiply-accumulates of its training.
    pub(super) training_macs: f64,
    pub(super) judged: Vec<Judged>,
}

/// Does all runs of an experiment that are not done and that no other process is at; tells how
/// many were left to others.
///
/// # Errors
/// Data that cannot be read; settings that do not go together or with the data; a folder of another run; those of
/// training; files that cannot be read or written.
pub fn run_all(
    experiment: &SupernetExperiment,
    folder: &Path,
    conditions: &Conditions<'_>,
) -> Result<usize, Error> {
    let mut left = 0;
    // Its images are part of what decides a run, where they are the user's own.
    let data = conditions.datasets.identified(experiment.data.clone())?;
    let experiment = &SupernetExperiment { data, ..experiment.clone() };
    check_training(experiment, conditions)?;
    for job in jobs(experiment, conditions)? {
        let run = RunFolder::new(folder.join(name(experiment, &job)));
        let config = config(experiment, &job);
        if run.is_done() {
            run.claim(&config)?;
            // One that was killed between the record and this may have left them.
            run.drop_checkpoints();
            continue;
        }
        let lock = match run.lock() {
            Err(Error::Busy { .. }) => {
                left += 1;
                continue;
            }
            lock => lock?,
        };
        // Another process may have done it since we looked.
        if !run.is_done() {
            crate::lines::note(conditions.reporter, name(experiment, &job));
            let label = identity(&run.claim(&config)?);
            Runner { experiment, conditions }.run(&job, &run, label)?;
        }
        drop(lock);
    }
    Ok(left)
}

/// Refuses what would otherwise end a run that has gone on for hours.
pub(crate) fn check_training(
    experiment: &SupernetExperiment,
    conditions: &Conditions<'_>,
) -> Result<(), Error> {
    let source = experiment.source(Seed(0), conditions.datasets)?;
    if source.batches() < Tenths::PARTS {
        let (parts, found) = (Tenths::PARTS, source.batches());
        let problem =
            format!("expected {parts} batches or more in an epoch, found {found}: make `batch_size` smaller");
        return Err(Error::setting("batch_size", problem));
    }
    let tenth = Tenths(&source).batches();
    for method in &experiment.method {
        for phase in experiment.phases(method)? {
            let plan = phase.recipe.plan(tenth);
            plan.map_err(|error| Error::setting("method.phase", format!("phase `{}`: {error}", phase.name)))?;
        }
    }
    if let Some(alone) = &experiment.alone {
        experiment.recipe(1.0, alone.learning_rate)?.plan(tenth)?;
    }
    Ok(())
}

/// The runs, seed by seed.
fn jobs(experiment: &SupernetExperiment, conditions: &Conditions<'_>) -> Result<Vec<Job>, Error> {
    let spec = experiment.spec(conditions.datasets)?;
    let family = sapwood_supernet::family(&spec.supernet, Some(spec.input), Some(spec.classes))?;
    let alone = if experiment.alone.is_some() { experiment.judged(&family)?.len() } else { 0 };
    let mut jobs = Vec::new();
    for replicate in 0..experiment.replicates {
        jobs.extend((0..experiment.method.len()).map(|method| Job::Method(method, replicate)));
        jobs.extend((0..alone).map(|at| Job::Alone(at, replicate)));
    }
    Ok(jobs)
}

/// What decides a run.
pub(super) fn config(experiment: &SupernetExperiment, job: &Job) -> Value {
    json!({ "experiment": experiment.decides(job), "run": name(experiment, job) })
}

fn name(experiment: &SupernetExperiment, job: &Job) -> String {
    match job {
        Job::Method(method, replicate) => format!("{}-r{replicate}", experiment.method[*method].name),
        Job::Alone(number, replicate) => format!("alone-{number}-r{replicate}"),
    }
}

struct Runner<'a> {
    experiment: &'a SupernetExperiment,
    conditions: &'a Conditions<'a>,
}

impl Runner<'_> {
    fn run(&self, job: &Job, run: &RunFolder, label: String) -> Result<(), Error> {
        let Self { experiment, conditions } = self;
        let spec = experiment.spec(conditions.datasets)?;
        let family = sapwood_supernet::family(&spec.supernet, Some(spec.input), Some(spec.classes))?;
        let judged = experiment.judged(&family)?;
        let replicate = match job {
            Job::Method(_, replicate) | Job::Alone(_, replicate) => *replicate,
        };
        let seed = Seed(replicate);
        let source = experiment.source(seed, conditions.datasets)?;
        let images = JudgingImages::new(
            (&family, Known::default()),
            &experiment.data,
            experiment.judging.calibration,
            seed,
            conditions.datasets,
            conditions.device,
        )?;
        let judge = images.judge();
        conditions.datasets.tell(conditions.reporter);
        let record = match *job {
            Job::Method(number, _) => {
                let method = &experiment.method[number];
                let phases = experiment.phases(method)?;
                let untrained = spec.build(conditions.device)?;
                let training =
                    Progressive { supernet: &untrained, spec: Some(&spec), phases: &phases, seed, label };
                let supernet = training.train_blocking(&source, run.path(), &conditions.context())?;
                let bytes = spec.pack(block_on(State::read(&supernet))?)?.to_bytes()?;
                write_atomic(&run.weights(), &bytes)?;
                SupernetRecord {
                    method: method.name.clone(),
                    replicate,
                    training_macs: training_macs(
                        &family,
                        &phases,
                        seed,
                        experiment.batch_size,
                        Tenths(&source).batches(),
                    )?,
                    judged: judged
                        .iter()
                        .map(|genome| judge.judge_blocking(&supernet, genome))
                        .collect::<Result<_, _>>()?,
                }
            }
            Job::Alone(number, _) => {
                let genome = &judged[number];
                let (recipe, macs) = self.budget(&family, genome, &source, replicate)?;
                let net = single::new(&family, genome, seed, conditions.device)?;
                let net = single::train_blocking(
                    net,
                    &recipe,
                    label,
                    &source,
                    (run.path(), &conditions.context()),
                )?;
                write_atomic(&run.weights(), &pack_cut(&family, genome, &net, Some(&images.trained_on()))?)?;
                let judged = vec![judge.of_blocking(&net, &family, genome, conditions.reporter)?];
                SupernetRecord { method: "alone".into(), replicate, training_macs: macs, judged }
            }
        };
        let text = serde_json::to_string_pretty(&record).map_err(Error::unwritable)?;
        write_atomic(&run.record(), text.as_bytes())?;
        run.drop_checkpoints();
        Ok(())
    }

    /// How long a network by itself is trained, and what that costs: as near as tenths of an epoch
    /// come to what the method costs that it is compared with.
    fn budget(
        &self,
        family: &Family,
        genome: &Genome,
        source: &dyn Source,
        replicate: u64,
    ) -> Result<(sapwood_train::Recipe, f64), Error> {
        let experiment = self.experiment;
        let usage = || Error::setting("alone", "the experiment has no `[alone]`");
        let alone = experiment.alone.as_ref().ok_or_else(usage)?;
        let of = |method: &&MethodConfig| method.name == alone.budget_of;
        let method = experiment.method.iter().find(of).ok_or_else(usage)?;
        let phases = experiment.phases(method)?;
        let per_tenth = Tenths(source).batches();
        let budget = training_macs(family, &phases, Seed(replicate), experiment.batch_size, per_tenth)?;
        let anatomy = family.graph(genome)?.anatomy(family.whole().input())?;
        let tenth =
            Anatomy::TRAINING_PASSES * (anatomy.macs() as usize * experiment.batch_size * per_tenth) as f64;
        let tenths = (budget / tenth).round().max(1.0);
        Ok((experiment.recipe(tenths / 10.0, alone.learning_rate)?, tenths * tenth))
    }
}

impl SupernetExperiment {
    /// What decides a run's outcome, and nothing of other methods.
    fn decides(&self, job: &Job) -> Self {
        let mut own = self.clone();
        own.replicates = 1;
        match job {
            Job::Method(number, _) => {
                own.method = vec![self.method[*number].clone()];
                own.alone = None;
            }
            Job::Alone(..) => {
                let budget = self.alone.as_ref().map(|alone| alone.budget_of.clone());
                own.method.retain(|method| Some(&method.name) == budget.as_ref());
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::atomic::AtomicBool};

    use sapwood_backend::DeviceSpec;

    use super::*;
    use crate::{
        CheckpointEvery, Chosen, DataConfig, Datasets, List, Silent, Work, supernet::SupernetResults,
    };

    const EXPERIMENT: &str = r#"
name = "nested"
kind = "supernet"
family = "mlp"
batch_size = 8
data = { name = "digits" }

[recipe]
optimizer = { name = "sgd", momentum = 0.9, nesterov = true }

[[method]]
name = "all"

[[method.phase]]
name = "all"
open = "all"
rule = { name = "random", subnets = 1 }
epochs = 0.1
learning_rate = 0.01
"#;

    #[test]
    fn a_run_is_known_wherever_its_list_of_examples_lies() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let experiment = |list: &str| {
            let data = DataConfig {
                only: Some(Chosen { list: at(list), digest: None }),
                ..DataConfig::named("digits")
            };
            SupernetExperiment { data, ..toml::from_str(EXPERIMENT).unwrap() }
        };
        let kept = (0..100).collect();
        let list = List { data: "digits".into(), examples: 1437, method: "random".into(), kept };
        fs::write(at("a.json"), serde_json::to_string(&list).unwrap()).unwrap();
        let conditions = Conditions {
            datasets: &Datasets::below("data"),
            device: &DeviceSpec::CPU.resolve().unwrap(),
            every: CheckpointEvery::default(),
            keep: &[],
            reporter: &Silent,
            work: &Work::default(),
            stop: &AtomicBool::new(false),
        };

        let mut done = experiment("a.json");
        done.data = conditions.datasets.identified(done.data).unwrap();
        let run = RunFolder::new(at("all-r0"));
        fs::create_dir(run.path()).unwrap();
        run.claim(&config(&done, &Job::Method(0, 0))).unwrap();
        let record =
            SupernetRecord { method: "all".into(), replicate: 0, training_macs: 1.0, judged: vec![] };
        fs::write(run.record(), serde_json::to_string(&record).unwrap()).unwrap();

        fs::rename(at("a.json"), at("b.json")).unwrap();
        let moved = experiment("b.json");
        assert_eq!(run_all(&moved, place.path(), &conditions).unwrap(), 0);
        SupernetResults::read(&moved, place.path()).unwrap();
    }
}
