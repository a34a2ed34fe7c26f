//! `report`

use std::{collections::BTreeMap, io::Write, path::Path};

use clap::{Args, ValueEnum};
use sapwood_core::write_atomic;
use sapwood_lab::study::{Plan, Results, Run, StudyFolder, launcher::to_shell, page};
use sapwood_ledger::{Account, Carbon, csv_header, csv_row, grid};
use sapwood_prune::Criteria;
use sapwood_report::tensorboard::{EventFile, FILE_NAME};

use super::studies::StartedStudy;
use crate::Error;

/// Whose electricity, where nothing is said.
const WORLD: &str = "world";

/// Write what came of a study, as far as it is
#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    study: StartedStudy,
    /// A page, tables, one object a line, or TensorBoard's event files
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Whose electricity: a country or a mix
    #[arg(long, default_value = WORLD, value_name = "NAME")]
    grid: String,
    /// The power usage effectiveness of the data centre: what the building draws for each unit that the machine does
    #[arg(long, default_value_t = 1.0)]
    pue: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Html,
    Csv,
    Jsonl,
    Tensorboard,
}

impl Report {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        if !(self.pue.is_finite() && self.pue >= 1.0) {
            return Err(Error::Usage(format!(
                "`--pue` should be a number of at least 1, but it is {}",
                self.pue
            )));
        }
        let counts = matches!(self.format, Format::Html | Format::Csv);
        if !counts && (self.grid != WORLD || self.pue != 1.0) {
            let problem = "`--grid` and `--pue` belong to a page and to tables, which count what runs cost: leave them out";
            return Err(Error::Usage(problem.into()));
        }
        let carbon = Carbon { grid: grid(&self.grid)?, pue: self.pue };
        let (plan, folder) = self.study.open(criteria)?;
        let results = Results::read(&plan, &folder)?;
        let written = match self.format {
            Format::Html => {
                write_tables(&results, &folder, &carbon)?;
                let page = page(&plan, &results, &carbon, &again(folder.path()));
                let html = page.to_html().map_err(Error::report)?;
                write(&folder.path().join("report.html"), html)?
            }
            Format::Csv => write_tables(&results, &folder, &carbon)?,
            Format::Jsonl => write(&folder.path().join("results.jsonl"), results.to_jsonl()?)?,
            Format::Tensorboard => events(&plan, &results, &folder)?,
        };
        writeln!(out, "{} of {} runs: {written}", results.rows.len(), results.planned)?;
        Ok(())
    }
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<String, Error> {
    write_atomic(path, text.as_ref())?;
    Ok(path.display().to_string())
}

/// `results.csv` and `ledger.csv`.
pub(super) fn write_tables(
    results: &Results,
    folder: &StudyFolder,
    carbon: &Carbon,
) -> Result<String, Error> {
    let mut ledger = csv_header();
    for row in &results.rows {
        ledger += &csv_row(&row.run.folder(), &row.account, carbon);
    }
    ledger += &csv_row("all", &results.rows.iter().map(|row| row.account.clone()).sum::<Account>(), carbon);
    write(&folder.path().join("ledger.csv"), ledger)?;
    write(&folder.path().join("results.csv"), results.to_csv()?)
}

/// The commands that make a page again: by the file that is frozen in the study's folder, which has all settings.
fn again(folder: &Path) -> String {
    let root = match folder.parent() {
        Some(root) if root == Path::new("runs") => None,
        Some(root) if folder.file_name().is_some() && root == Path::new("") => Some(".".to_string()),
        Some(root) if folder.file_name().is_some() => Some(root.display().to_string()),
        _ => Some(folder.join("..").display().to_string()),
    };
    let folder = folder.display().to_string();
    let run = ["run".to_string(), format!("{folder}/study.toml")];
    let run = run.into_iter().chain(root.into_iter().flat_map(|root| ["--root".to_string(), root]));
    format!("sapwood {} && sapwood {}", to_shell(run), to_shell(["report", folder.as_str()]))
}

/// One event file per run, with its curve. Steps are iterations.
fn events(plan: &Plan, results: &Results, folder: &StudyFolder) -> Result<String, Error> {
    let events = folder.path().join("events");
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for run in &plan.runs {
        *names.entry(event_name(run)).or_default() += 1;
    }
    for row in &results.rows {
        let mut file = EventFile::new(row.account.started.unwrap_or(0) as f64);
        for epoch in &row.outcome.curve {
            file.scalar("learning rate", epoch.iteration, epoch.learning_rate);
            file.scalar("loss/training", epoch.iteration, epoch.train_loss);
            if let Some(test) = &epoch.test {
                // Where examples are kept back, each epoch is tested with these.
                let tested = if row.run.spec.small.hold_out.is_some() { "kept back" } else { "test" };
                file.scalar(format!("loss/{tested}"), epoch.iteration, test.loss);
                file.scalar(format!("accuracy/{tested}"), epoch.iteration, test.top1);
            }
        }
        let mut name = event_name(&row.run);
        // Names that differ in what no folder can be called, and none else, are one.
        if names.get(&name).is_some_and(|runs| *runs > 1) {
            name = format!("{name}_{}", row.run.hash);
        }
        write(&events.join(name).join(FILE_NAME), file.to_bytes())?;
    }
    Ok(events.display().to_string())
}

/// What the folder of a run's events is called.
fn event_name(run: &Run) -> String {
    let pruning = run.spec.pruning.as_ref();
    let sparsity = pruning.map_or("0".into(), |pruning| pruning.sparsity.to_string());
    let twin = if run.parents.twin.is_some() { "other order" } else { "" };
    let words = [run.label.variant.as_str(), &run.label.method, run.control().name(), &sparsity, twin];
    let name = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".,-".contains(c) { c } else { '_' }).collect();
    format!("{name}_r{}", run.replicate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_commands_of_a_page_as_they_are_meant() {
        for (folder, expected) in [
            ("runs/first", "sapwood run runs/first/study.toml && sapwood report runs/first"),
            ("first", "sapwood run first/study.toml --root . && sapwood report first"),
            (
                "my runs/a",
                "sapwood run 'my runs/a/study.toml' --root 'my runs' && sapwood report 'my runs/a'",
            ),
        ] {
            assert_eq!(again(Path::new(folder)), expected);
        }
    }
}
