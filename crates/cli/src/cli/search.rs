//! `search`

mod many;
mod measured;
mod nested;
mod page;
mod saved;
mod study;
mod tabular;

use std::{io::Write, num::NonZero, path::PathBuf};

use clap::Args;
use sapwood_report::{Cell, Table};
use sapwood_search::{Constraint, Front, Goal, METHODS, Member, Method, Objective, Space};

use super::data_root::DataRoot;
use crate::Error;

pub(super) use measured::measured;

/// Find the best networks of a space, the best architectures of a benchmark table, or all that a
/// study says
///
/// Nested networks: accuracy is predicted from judged ones (`supernet pairs`), latency and energy
/// from a table (`latency build`); params and macs are counted. A benchmark table has one row per
/// architecture, columns of choices and columns of metrics; what is found is shown beside what
/// there is to be found.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Search {
    #[command(flatten)]
    study: study::Study,
    /// What is searched: a space of `list spaces`, or tabular:FILE.csv
    #[arg(long, value_name = "SPACE", required_unless_present = "experiment", conflicts_with = "experiment")]
    space: Option<String>,
    /// What is wanted, the principal one first: `max accuracy`, `min latency_ms` [default: max
    /// accuracy]
    #[arg(long, value_name = "OBJECTIVE", conflicts_with = "experiment")]
    objective: Vec<Objective>,
    /// What is allowed: `latency_ms <= 12`
    #[arg(long, value_name = "CONSTRAINT", conflicts_with = "experiment")]
    limit: Vec<Constraint>,
    /// The same as `--limit 'latency_ms <= N'`: milliseconds
    #[arg(long, value_name = "N", value_parser = number, conflicts_with = "experiment")]
    max_latency: Option<f64>,
    /// The same as `--limit 'macs <= N'`; 230M and 1.2G are understood
    #[arg(long, value_name = "N", value_parser = number, conflicts_with = "experiment")]
    max_macs: Option<f64>,
    /// The same as `--limit 'params <= N'`; 5M is understood
    #[arg(long, value_name = "N", value_parser = number, conflicts_with = "experiment")]
    max_params: Option<f64>,
    /// The same as `--limit 'energy_mj <= N'`: millijoules
    #[arg(long, value_name = "N", value_parser = number, conflicts_with = "experiment")]
    max_energy: Option<f64>,
    /// How: random, regularised-evolution, evolution, nsga2, local-search, linas
    #[arg(long, default_value = "nsga2", conflicts_with = "experiment")]
    method: String,
    /// Judged networks, from which accuracies are predicted: what `supernet pairs` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    pairs: Option<PathBuf>,
    /// Input shape, as in 3x32x32 [default: the space's usual one]
    #[arg(long, value_parser = super::shape::parse, value_name = "CxHxW", conflicts_with = "experiment")]
    input: Option<[usize; 3]>,
    /// Number of classes [default: the space's usual one]
    #[arg(long, value_name = "N", conflicts_with = "experiment")]
    classes: Option<usize>,
    /// The latencies of a device, and perhaps its energies: what `latency build` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    table: Option<PathBuf>,
    /// Leave out the resolutions of which the table lacks blocks
    #[arg(long, conflicts_with = "experiment")]
    only_measured: bool,
    /// A search for each of these tables, all with the same limits
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["table", "front", "page", "json", "experiment"])]
    many: Vec<PathBuf>,
    /// With `--many`: the supernet out of which the best network is cut for each device, into a
    /// file beside its table
    #[arg(long, value_name = "FILE", requires_all = ["many", "data"])]
    weights: Option<PathBuf>,
    /// The data set that their statistics are taken of
    #[arg(long, requires = "weights")]
    data: Option<String>,
    /// How many architectures are looked at [default: 2 % of a table, 50100 of a space]
    #[arg(long, value_name = "N", conflicts_with = "experiment")]
    evaluations: Option<NonZero<usize>>,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0, conflicts_with = "experiment")]
    seed: u64,
    /// Show all that no other one beats, not only the best
    #[arg(long, conflicts_with = "experiment")]
    front: bool,
    /// Write a page with a plot of the first objective over the second
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    page: Option<PathBuf>,
    /// A file that keeps what was looked at: the same command goes on with it, also after it was
    /// killed, and with more `--evaluations`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["many", "experiment"])]
    history: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "experiment")]
    json: bool,
    #[command(flatten)]
    root: DataRoot,
}

impl Search {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if let Some(file) = &self.study.experiment {
            return self.study.run(file, &self.root, out);
        }
        let goal = self.goal()?;
        // Better now than after the search.
        Method::named(&self.method)?;
        if self.page.is_some() && goal.objectives().len() < 2 {
            let problem = "a page has two objectives, as in `max accuracy` and `min latency_ms`";
            return Err(Error::Usage(problem.into()));
        }
        if self.only_measured && self.table.is_none() && self.many.is_empty() {
            return Err(Error::Usage(
                "`--only-measured` wants `--table` or `--many`: say what was measured".into(),
            ));
        }
        let space = self.space.as_deref().unwrap_or_default();
        match space.strip_prefix("tabular:").map(PathBuf::from) {
            Some(path) => {
                for (option, given) in [
                    ("--pairs", self.pairs.is_some()),
                    ("--table", self.table.is_some()),
                    ("--many", !self.many.is_empty()),
                    ("--input", self.input.is_some()),
                    ("--classes", self.classes.is_some()),
                    ("--only-measured", self.only_measured),
                ] {
                    if given {
                        return Err(Error::Usage(format!(
                            "a benchmark table has no `{option}`: leave it out"
                        )));
                    }
                }
                tabular::run(&self, &path, &goal, out)
            }
            None => nested::run(&self, space, &goal, out),
        }
    }

    fn goal(&self) -> Result<Goal, Error> {
        let mut objectives = self.objective.clone();
        if objectives.is_empty() {
            objectives.push(Objective::maximise("accuracy"));
        }
        let short = [
            ("latency_ms", self.max_latency),
            ("macs", self.max_macs),
            ("params", self.max_params),
            ("energy_mj", self.max_energy),
        ];
        let short = short.into_iter().filter_map(|(metric, most)| Some(Constraint::at_most(metric, most?)));
        Ok(Goal::new(objectives, self.limit.iter().cloned().chain(short))?)
    }

    /// A search that has not begun.
    fn begin(&self, space: &Space, goal: &Goal) -> Result<sapwood_search::Search<Method>, Error> {
        let method = Method::named(&self.method)?;
        Ok(sapwood_search::Search::new(space.clone(), goal.clone(), method, self.seed))
    }

    /// How many architectures are looked at, where this is the usual number.
    fn looks(&self, usual: usize) -> usize {
        self.evaluations.map_or(usual, NonZero::get)
    }

    /// Shows the best, or all that no other one beats.
    fn show(&self, space: &Space, goal: &Goal, found: &Front, out: &mut dyn Write) -> Result<(), Error> {
        let most = if self.front { found.members().len() } else { found.members().len().min(1) };
        let shown = &found.members()[..most];
        if !self.json {
            write!(out, "{}", self.table_of(space, goal, shown).to_text())?;
            return Ok(());
        }
        for member in shown {
            let values = member.values.iter().map(|value| serde_json::Value::from(*value));
            let metrics: serde_json::Map<_, _> = goal.metrics().iter().cloned().zip(values).collect();
            let architecture = space.to_json(&member.genome);
            writeln!(out, "{}", serde_json::json!({ "architecture": architecture, "metrics": metrics }))?;
        }
        Ok(())
    }

    fn table_of(&self, space: &Space, goal: &Goal, members: &[Member]) -> Table {
        let head = ["architecture"].into_iter().map(String::from).chain(goal.metrics().iter().cloned());
        let mut table = Table::new(head);
        for member in members {
            let values = member.values.iter().map(|value| Cell::number(*value));
            table.row([Cell::from(space.text(&member.genome))].into_iter().chain(values));
        }
        table
    }
}

/// A number with or without a unit: `12ms`, `3mJ`, `230M`.
fn number(text: &str) -> Result<f64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "ms" | "mJ" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return Err("expected a number, as in 12, 12ms, 5M or 1.2G".into()),
    };
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite() && 0.0 <= *number);
    number.map(|number| number * factor).ok_or_else(|| "expected a number, as in 12, 12ms, 5M or 1.2G".into())
}

// The help of `--method` names them all.
const _: () = assert!(METHODS.len() == 6);
