//! The steps, from the training of a supernet to the networks for each limit.

use std::path::Path;

use sapwood_backend::{Seed, block_on};
use sapwood_core::{Anatomy, ModuleState, Source as _, State, identity, write_atomic};
use sapwood_search::Genome;
use sapwood_supernet::{Family, Progressive, Supernet, SupernetSpec, Tenths, single, training_macs};
use serde_json::{Value, json};

use super::{
    Outcome, SearchExperiment, Target, Tuned, Tuning,
    machine::Machine,
    step::{self, Done, Steps},
};
use crate::{
    Conditions, Error, Known, RunFolder,
    latency::{Engine, Stopwatch, today},
    ledger::{Macs, Watts},
    run_folder::{digest, without_places},
    supernet::{Judged, JudgingImages, Pairs, Sample, SupernetExperiment, check_training, pack_cut},
    work::Counted,
};

/// The judged networks.
const PAIRS: &str = "pairs.csv";
/// The times of this machine.
const TABLE: &str = "latencies.toml";

/// Where a study is carried out, for its tables and its ledger.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What computes: `cpu`, `vulkan:0`.
    pub device: &'a str,
    /// What the machine draws, where the user knows it.
    pub watts: Option<Watts>,
}

/// Carries out a study in a folder, from where it was left.
///
/// # Errors
/// Those of all steps. A limit that no network of the family meets is one, which names the
/// nearest that can be met. What was done before stays.
pub fn carry_out(
    experiment: &SearchExperiment,
    folder: &Path,
    place: Place<'_>,
    conditions: &Conditions<'_>,
) -> Result<Outcome, Error> {
    // Its images are part of what decides a step, where they are the user's own.
    let data = conditions.datasets.identified(experiment.data.clone())?;
    let experiment = &SearchExperiment { data, ..experiment.clone() };
    let supernet = experiment.supernet();
    let spec = supernet.spec(conditions.datasets)?;
    let family = sapwood_supernet::family(&spec.supernet, Some(spec.input), Some(spec.classes))?;
    let study = Study { experiment, supernet, spec, family, place };
    // What can be checked at once is checked before anything is trained.
    experiment.data.open_held_out(conditions.datasets)?;
    check_training(&study.supernet, conditions)?;
    let steps = Steps { folder, conditions, device: place.device, watts: place.watts };
    let Places { training, trained, largest, judged, timed, searched } = study.places();

    let trained = steps.step("supernet", &trained, |run, conditions, settings| {
        study.train(run, conditions, identity(settings))
    })?;
    let weights = trained.run.weights();
    let largest = steps.step("largest", &largest, |_, conditions, _| study.largest(&weights, conditions))?;
    let pairs = steps.step("pairs", &judged, |run, conditions, settings| {
        study.pairs(&weights, &run.path().join(PAIRS), settings, conditions)
    })?;
    let table = steps.step("latencies", &timed, |run, conditions, _| {
        // What was found and measured by other times, perhaps on another machine, is no answer to these.
        let these = without_places(timed.clone());
        step::forget(folder, |settings| [&settings["timed"], &settings["latency"]].contains(&&these))?;
        let stopwatch = study.stopwatch(conditions);
        let table = stopwatch.table(&study.family, "this machine", conditions.reporter)?;
        write_atomic(&run.path().join(TABLE), table.to_toml()?.as_bytes())?;
        Ok(Some(Machine::this(&stopwatch.engine)))
    })?;
    let engine = study.stopwatch(conditions).engine;
    let files = (pairs.run.path().join(PAIRS), table.run.path().join(TABLE));
    let searches = steps.step("search", &searched, |_, _, _| {
        Machine::check(&table, &engine)?;
        study.search(&files.0, &files.1)
    })?;

    let mut both = Vec::new();
    for (_, found) in &searches.value.found {
        let genome = study.family.space().from_json(&found.architecture)?;
        let of =
            |how: &Tuning| json!({ "training": training, "how": how, "architecture": found.architecture });
        let tuned = json!({ "phase": experiment.phase, "pairs": experiment.pairs, "of": of(&experiment.fine_tuning) });
        let tuned = steps.step("tuned", &tuned, |run, conditions, settings| {
            study.tune(&weights, &genome, (run, identity(settings)), conditions)
        })?;
        let alone = steps.step("alone", &of(&experiment.alone), |run, conditions, settings| {
            study.alone(&genome, (run, identity(settings)), conditions)
        })?;
        both.push((genome, tuned, alone));
    }
    let networks: Vec<&Value> = searches.value.found.iter().map(|(_, found)| &found.architecture).collect();
    let measured = json!({ "latency": timed, "networks": networks });
    let measured = steps.step("measured", &measured, |_, conditions, _| {
        Machine::check(&table, &engine)?;
        let genomes: Vec<&Genome> = both.iter().map(|(genome, ..)| genome).collect();
        study.measure(&genomes, conditions)
    })?;

    let Done { value: searches, account: search, .. } = searches;
    let Some((largest_measured, measured)) = measured.value.split_first() else {
        let problem = "no network was measured: remove the folder".into();
        return Err(Error::Content { problem, path: measured.run.path().into() });
    };
    let target = |((limit, (limit_ms, found)), ((_, tuned, alone), measured_ms))| {
        let (tuned, alone): (Done<Tuned>, Done<Judged>) = (tuned, alone);
        Target {
            limit,
            limit_ms,
            found,
            tuned: tuned.value,
            measured_ms,
            alone: alone.value,
            tuning: tuned.account,
            training: alone.account,
        }
    };
    let limits = experiment.search.limits.iter().copied().zip(searches.found);
    let came = both.into_iter().zip(measured.iter().copied());
    Ok(Outcome {
        largest: largest.value,
        largest_ms: [searches.largest_ms, *largest_measured],
        judged: pairs.value,
        predictors: searches.predictors,
        front: searches.front,
        targets: limits.zip(came).map(target).collect(),
        once: vec![
            ("the supernet", trained.account),
            ("judged networks", [largest.account, pairs.account].into_iter().sum()),
        ],
        table: table.account,
        search,
    })
}

pub(super) struct Study<'a> {
    pub(super) experiment: &'a SearchExperiment,
    supernet: SupernetExperiment,
    spec: SupernetSpec,
    pub(super) family: Family,
    place: Place<'a>,
}

/// What decides the steps.
struct Places {
    /// What all training has in common.
    training: Value,
    trained: Value,
    largest: Value,
    judged: Value,
    timed: Value,
    searched: Value,
}

impl Study<'_> {
    fn places(&self) -> Places {
        let SearchExperiment {
            family, seed, batch_size, data, recipe, phase, pairs, latency, search, ..
        } = self.experiment;
        let training = json!({
            "family": family, "seed": seed, "batch_size": batch_size, "data": data, "recipe": recipe,
        });
        let trained = json!({ "training": training, "phase": phase });
        // Its own statistics are of these images: other ones are no other training.
        let largest = json!({ "supernet": trained, "calibration": pairs.calibration });
        let judged = json!({ "supernet": trained, "pairs": pairs });
        let timed =
            json!({ "family": family, "data": data, "latency": latency, "device": self.place.device });
        let searched = json!({ "judged": judged, "timed": timed, "search": search });
        Places { training, trained, largest, judged, timed, searched }
    }

    fn seed(&self) -> Seed {
        Seed(self.experiment.seed)
    }

    /// Trains the supernet; tells the BLAKE3 of its weights. Studies of earlier versions have here how good the largest
    /// network was.
    fn train(&self, run: &RunFolder, conditions: &Conditions<'_>, label: String) -> Result<Value, Error> {
        let source = self.supernet.source(self.seed(), conditions.datasets)?;
        let phases = self.supernet.phases(&self.supernet.method[0])?;
        let tenth = Tenths(&source).batches();
        let steps: usize = phases.iter().map(|phase| phase.recipe.epochs * tenth).sum();
        let macs = training_macs(&self.family, &phases, self.seed(), self.experiment.batch_size, tenth)?;
        // Networks of a step differ: an example costs what it does on average.
        let each = (macs / Anatomy::TRAINING_PASSES / (steps * self.experiment.batch_size) as f64) as u64;
        conditions.work.example_costs(Macs::forward(each, each));
        let counted = Counted { inner: &source, work: conditions.work, trained: true };
        let untrained = self.spec.build(conditions.device)?;
        let training = Progressive {
            supernet: &untrained,
            spec: Some(&self.spec),
            phases: &phases,
            seed: self.seed(),
            label,
        };
        let supernet = training.train_blocking(&counted, run.path(), &conditions.context())?;
        let bytes = self.spec.pack(block_on(State::read(&supernet))?)?.to_bytes()?;
        write_atomic(&run.weights(), &bytes)?;
        Ok(json!({ "weights": digest(&bytes) }))
    }

    /// Judges the largest network inside the supernet by the test split.
    fn largest(&self, weights: &Path, conditions: &Conditions<'_>) -> Result<Judged, Error> {
        let supernet = self.open(weights, conditions)?;
        let images = self.judging(conditions)?;
        let judged = images.judge().judge_blocking(&supernet, &self.family.largest())?;
        let looked_at = images.judge().images() as u64;
        conditions.work.looked_at(looked_at, looked_at * judged.macs);
        Ok(judged)
    }

    /// Judges sub-networks by what is held out; tells how many.
    fn pairs(
        &self,
        weights: &Path,
        path: &Path,
        settings: &Value,
        conditions: &Conditions<'_>,
    ) -> Result<usize, Error> {
        let supernet = self.open(weights, conditions)?;
        let images = self.judging(conditions)?.by_held_out(&self.experiment.data, conditions.datasets)?;
        let judge = images.judge();
        let bytes = std::fs::read(weights).map_err(Error::file("read", weights))?;
        let data = &settings["supernet"]["training"]["data"];
        let origin = format!("{}, weights {}, {data}", self.family.name(), digest(&bytes));
        let sample = Sample { count: self.experiment.pairs.count, listed: None, seed: self.seed(), origin };
        // What cannot be read yet is none: a kill within the first lines, or what collecting will say.
        let before = Pairs::read(&self.family, path).map_or(0, |found| found.pairs.len());
        let found = Pairs::collect(&supernet, &judge, &sample, path, conditions.reporter)?.pairs;
        for (genome, _) in found.iter().skip(before) {
            let macs = self.family.graph(genome)?.anatomy(self.family.whole().input())?.macs();
            let images = judge.images() as u64;
            conditions.work.looked_at(images, images * macs);
        }
        Ok(found.len())
    }

    /// Cuts a network out and trains it further.
    fn tune(
        &self,
        weights: &Path,
        genome: &Genome,
        (run, label): (&RunFolder, String),
        conditions: &Conditions<'_>,
    ) -> Result<Tuned, Error> {
        let supernet = self.open(weights, conditions)?;
        let images = self.judging(conditions)?;
        let net = images.judge().cut(&supernet, genome)?;
        let cut = images.judge().of_blocking(&net, &self.family, genome, conditions.reporter)?.top1;
        let by_held_out =
            self.judging(conditions)?.by_held_out(&self.experiment.data, conditions.datasets)?;
        let held_out = by_held_out.judge().of_blocking(&net, &self.family, genome, conditions.reporter)?.top1;
        let tuned = self.learn((net, genome), &self.experiment.fine_tuning, (run, label), conditions)?;
        Ok(Tuned { held_out, cut, tuned })
    }

    /// Trains a network from new weights.
    fn alone(
        &self,
        genome: &Genome,
        place: (&RunFolder, String),
        conditions: &Conditions<'_>,
    ) -> Result<Judged, Error> {
        let net = single::new(&self.family, genome, self.seed(), conditions.device)?;
        self.learn((net, genome), &self.experiment.alone, place, conditions)
    }

    fn learn(
        &self,
        (net, genome): (sapwood_models::Net, &Genome),
        tuning: &Tuning,
        (run, label): (&RunFolder, String),
        conditions: &Conditions<'_>,
    ) -> Result<Judged, Error> {
        let source = self.supernet.source(self.seed(), conditions.datasets)?;
        let macs = self.family.graph(genome)?.anatomy(self.family.whole().input())?.macs();
        conditions.work.example_costs(Macs::forward(macs, macs));
        let counted = Counted { inner: &source, work: conditions.work, trained: true };
        let recipe = self.supernet.recipe(tuning.epochs, tuning.learning_rate)?;
        let net = single::train_blocking(net, &recipe, label, &counted, (run.path(), &conditions.context()))?;
        let images = self.judging(conditions)?;
        let bytes = pack_cut(&self.family, genome, &net, Some(&images.trained_on()))?;
        write_atomic(&run.weights(), &bytes)?;
        Ok(images.judge().of_blocking(&net, &self.family, genome, conditions.reporter)?)
    }

    /// Times the largest network and these, in turns: the medians.
    fn measure(&self, genomes: &[&Genome], conditions: &Conditions<'_>) -> Result<Vec<f64>, Error> {
        let stopwatch = self.stopwatch(conditions);
        let largest = self.family.largest();
        let graphs: Result<Vec<_>, _> = std::iter::once(&largest)
            .chain(genomes.iter().copied())
            .map(|genome| self.family.graph(genome))
            .collect();
        let times = stopwatch.time_all(&graphs?, conditions.reporter)?;
        Ok(times.iter().map(|times| times.all().ms).collect())
    }

    fn stopwatch(&self, conditions: &Conditions<'_>) -> Stopwatch {
        let super::Latencies { batch, rounds, runs, seconds, runtime_threads } = self.experiment.latency;
        let engine = match runtime_threads {
            Some(threads) => Engine::Runtime { threads },
            None => Engine::Burn { device: conditions.device.clone(), place: self.place.device.into() },
        };
        Stopwatch { engine, date: today(), batch, rounds, runs, seconds }
    }

    fn judging(&self, conditions: &Conditions<'_>) -> Result<JudgingImages, Error> {
        let calibration = self.experiment.pairs.calibration;
        let data = &self.experiment.data;
        let family = (&self.family, Known::default());
        let images = JudgingImages::new(
            family,
            data,
            calibration,
            self.seed(),
            conditions.datasets,
            conditions.device,
        )?;
        conditions.datasets.tell(conditions.reporter);
        Ok(images)
    }

    fn open(&self, weights: &Path, conditions: &Conditions<'_>) -> Result<Supernet, Error> {
        Ok(Supernet::open(weights, None, conditions.device)?.1)
    }
}
