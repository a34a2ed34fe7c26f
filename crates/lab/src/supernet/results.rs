//! What came of an experiment.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use sapwood_core::write_atomic;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Job, SupernetExperiment,
    run::{SupernetRecord, config},
};
use crate::{
    Error, RunFolder,
    report::{Cell, Table},
    run_folder::{first_difference, without_places},
    statistics::{PairedComparison, Summary},
};

/// The finished runs of an experiment.
#[derive(Debug)]
pub struct SupernetResults {
    /// In the order in which the file names them, networks by themselves last.
    methods: Vec<String>,
    records: Vec<SupernetRecord>,
}

/// By replicate.
type Values = BTreeMap<u64, f64>;
/// What a network is called, its multiply-accumulates, and what was found of it by method.
type Network<'a> = (String, u64, BTreeMap<&'a str, Values>);

impl SupernetResults {
    /// Reads the records that are there.
    ///
    /// # Errors
    /// Files that cannot be read; records of other settings than the experiment's.
    pub fn read(experiment: &SupernetExperiment, folder: &Path) -> Result<Self, Error> {
        let job = |name: &str| {
            let (run, replicate) = name.rsplit_once("-r")?;
            let replicate = replicate.parse::<u64>().ok().filter(|number| *number < experiment.replicates)?;
            match run.strip_prefix("alone-") {
                Some(number) if experiment.alone.is_some() => {
                    Some(Job::Alone(number.parse().ok()?, replicate))
                }
                _ => {
                    let method = experiment.method.iter().position(|method| method.name == run)?;
                    Some(Job::Method(method, replicate))
                }
            }
        };
        let mut records: Vec<SupernetRecord> = Vec::new();
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .map_err(Error::file("read", folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        for name in names {
            let run = RunFolder::new(folder.join(&name));
            if let Some(job) = job(&name).filter(|_| run.is_done()) {
                check_settings(experiment, &job, &run)?;
                records.push(read(run.record())?);
            }
        }
        let mut methods: Vec<String> = experiment.method.iter().map(|method| method.name.clone()).collect();
        methods.push("alone".into());
        methods.retain(|method| records.iter().any(|record| record.method == *method));
        Ok(Self { methods, records })
    }

    /// Top-1 in per cent by network, method and replicate.
    fn top1(&self) -> Vec<Network<'_>> {
        let mut networks: BTreeMap<(u64, String), BTreeMap<&str, Values>> = BTreeMap::new();
        for record in &self.records {
            for judged in &record.judged {
                let key = (judged.macs, short(&judged.architecture));
                let of = networks.entry(key).or_default().entry(record.method.as_str()).or_default();
                of.insert(record.replicate, 100.0 * judged.top1);
            }
        }
        networks.into_iter().map(|((macs, name), values)| (name, macs, values)).collect()
    }

    /// One line for each network of each run, in a fixed order.
    pub fn csv(&self) -> String {
        let mut lines = Vec::new();
        for record in &self.records {
            for judged in &record.judged {
                let mut line = format!("{},{},", record.method, record.replicate);
                let _ = write!(line, "{},{},{},", short(&judged.architecture), judged.params, judged.macs);
                let _ = write!(line, "{:.0},{},{}", record.training_macs, judged.top1, judged.loss);
                lines.push(line);
            }
        }
        lines.sort();
        let head = "method,replicate,network,params,macs,training_macs,top1,loss";
        format!("{head}\n{}\n", lines.join("\n"))
    }

    /// Writes `results.csv`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        Ok(write_atomic(&folder.join("results.csv"), self.csv().as_bytes())?)
    }

    /// Mean top-1 of each network under each method, with 95 % intervals; then, of several methods, by how much the
    /// first is better than each other, paired by replicate; and what training costs.
    pub fn tables(&self) -> Vec<(String, Table)> {
        let networks = self.top1();
        let columns = ["network", "MACs"].into_iter().map(String::from);
        let mut means = Table::new(columns.chain(self.methods.iter().cloned()));
        for (name, macs, values) in &networks {
            let cells = self.methods.iter().map(|method| match values.get(method.as_str()) {
                Some(values) => spread(Summary::of(&values.values().copied().collect::<Vec<_>>())),
                None => Cell::none(),
            });
            means.row([Cell::from(name.as_str()), Cell::count(*macs)].into_iter().chain(cells));
        }
        let mut tables = vec![("Top-1 on the test split, %".to_string(), means)];
        let Some((first, others)) = self.methods.split_first() else { return tables };
        if !others.is_empty() {
            tables.push(("Differences, points".into(), differences(&networks, first, others)));
        }
        let mut costs = Table::new(["method", "training MACs"]);
        for method in &self.methods {
            let of: Vec<f64> = self
                .records
                .iter()
                .filter(|record| record.method == *method)
                .map(|record| record.training_macs)
                .collect();
            let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
            costs.row([Cell::from(method.as_str()), Cell::written(mean, format!("{mean:.4e}"))]);
        }
        tables.push(("What training costs".into(), costs));
        tables
    }
}

/// By how much the first method is better than each other, paired by replicate.
fn differences(networks: &[Network<'_>], first: &str, others: &[String]) -> Table {
    let differing = others.iter().map(|other| format!("{first} - {other}"));
    let columns = ["network", "MACs"].into_iter().map(String::from);
    let mut differences = Table::new(columns.chain(differing));
    let mut overall: BTreeMap<&str, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for (name, macs, values) in networks {
        let cells = others.iter().map(|other| {
            let (a, b) = (values.get(first)?, values.get(other.as_str())?);
            for (replicate, a) in a {
                if let Some(b) = b.get(replicate) {
                    overall.entry(other).or_default().entry(*replicate).or_default().push(a - b);
                }
            }
            Some(PairedComparison::of(a, b)?.differences)
        });
        let cells: Vec<Cell> = cells.map(spread).collect();
        differences.row([Cell::from(name.as_str()), Cell::count(*macs)].into_iter().chain(cells));
    }
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let cells = others.iter().map(|other| {
        let by_replicate = overall.get(other.as_str())?;
        Summary::of(&by_replicate.values().map(mean).collect::<Vec<_>>())
    });
    let cells: Vec<Cell> = cells.map(spread).collect();
    differences.row([Cell::from("mean of all"), Cell::none()].into_iter().chain(cells));
    differences
}

/// Refuses what came of other settings.
fn check_settings(experiment: &SupernetExperiment, job: &Job, run: &RunFolder) -> Result<(), Error> {
    let found: Value = read(run.path().join("config.json"))?;
    let mut expected = config(experiment, job);
    // What the files hold that an experiment names, only the run says.
    if experiment.data.content.is_none() {
        expected["experiment"]["data"]["content"] = found["experiment"]["data"]["content"].clone();
    }
    if experiment.data.only.as_ref().is_some_and(|chosen| chosen.digest.is_none()) {
        let digest = &found["experiment"]["data"]["only"]["digest"];
        expected["experiment"]["data"]["only"]["digest"] = digest.clone();
    }
    match first_difference("", &without_places(expected), &without_places(found)) {
        None => Ok(()),
        Some((field, expected, found)) => {
            let problem = format!(
                "came of other settings ({field} is {found}, and not {expected}): put them back, or train again \
                 elsewhere"
            );
            Err(Error::Content { problem, path: run.path().into() })
        }
    }
}

fn read<T: DeserializeOwned>(path: PathBuf) -> Result<T, Error> {
    let bytes = std::fs::read(&path).map_err(Error::file("read", &path))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Json { problem: error.to_string(), path, error })
}

fn spread(summary: Option<Summary>) -> Cell {
    match summary {
        None => Cell::none(),
        Some(Summary { mean, interval: Some(interval), .. }) => {
            Cell::spread(mean, (interval.high - interval.low) / 2.0, 2)
        }
        Some(Summary { mean, .. }) => Cell::fixed(mean, 2),
    }
}

/// `d=1,2,2 e=...` as short as it can be read.
pub(crate) fn short(architecture: &serde_json::Value) -> String {
    let Some(object) = architecture.as_object() else { return String::new() };
    let list = |value: &serde_json::Value| match value.as_array() {
        Some(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        None => value.to_string(),
    };
    let of = object.iter().filter(|(name, _)| *name != "space");
    of.map(|(name, value)| format!("{name}: {}", list(value))).collect::<Vec<_>>().join("; ")
}
