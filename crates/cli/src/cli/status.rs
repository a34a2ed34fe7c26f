//! `status`

use std::{collections::BTreeMap, fs, io::Write};

use clap::Args;
use sapwood_lab::study::{Progress, progress};
use sapwood_prune::Criteria;
use sapwood_report::{Cell, Table};

use super::studies::StartedStudy;
use crate::Error;

/// Show how far a study is
#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    study: StartedStudy,
}

impl Status {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let (plan, folder) = self.study.open(criteria)?;
        let progress = progress(&plan, &folder)?;
        let mut methods: Vec<&str> = Vec::new();
        let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for (run, progress) in plan.runs.iter().zip(&progress) {
            let method = run.label.method.as_str();
            if !methods.contains(&method) {
                methods.push(method);
            }
            *counts.entry(method).or_default().entry(progress.name()).or_default() += 1;
        }
        let names = Progress::NAMES;
        let mut table = Table::new(["method"].into_iter().chain(names));
        for method in methods {
            let count = |name: &&str| Cell::count(counts[method].get(name).copied().unwrap_or(0));
            table.row([Cell::from(method)].into_iter().chain(names.iter().map(count)));
        }
        let total = |name: &str| Cell::count(counts.values().filter_map(|row| row.get(name)).sum());
        table.row([Cell::from("all")].into_iter().chain(names.into_iter().map(total)));
        write!(out, "{}", table.to_text())?;
        if let Some(mixed) = sapwood_lab::MixedLevels::of_study(folder.path()) {
            writeln!(out, "{mixed} (`--level`)")?;
        }
        for (run, progress) in plan.runs.iter().zip(&progress) {
            match progress {
                Progress::Running(holder) => writeln!(out, "running  {}  {holder}", run.folder())?,
                Progress::Failed => {
                    let path = folder.failure(run);
                    let why = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
                    writeln!(out, "failed   {}  {}", run.folder(), why.trim())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
