//! `search`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_search::{Constraint, Goal, METHODS, Method, Objective, Search as Searching, Table as Benchmark};

use crate::{
    Error,
    report::{Cell, Table},
};

/// Find the best architectures of a benchmark table
///
/// A table has one row per architecture: columns of choices, columns of metrics. What is
/// found is shown beside what there is to be found.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Search {
    /// What is searched: tabular:FILE.csv
    #[arg(long, value_name = "SPACE")]
    space: String,
    /// What is wanted, the principal one first: `max accuracy`, `min latency`
    #[arg(long, required = true, value_name = "OBJECTIVE")]
    objective: Vec<Objective>,
    /// What is allowed: `latency <= 12`
    #[arg(long, value_name = "CONSTRAINT")]
    limit: Vec<Constraint>,
    /// How: random, regularised-evolution, evolution, nsga2, local-search, linas
    #[arg(long, default_value = "nsga2")]
    method: String,
    /// How many architectures are looked at [default: 2 % of them]
    #[arg(long, value_name = "N")]
    evaluations: Option<usize>,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Show all that no other one beats, not only the best
    #[arg(long)]
    front: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let Some(path) = self.space.strip_prefix("tabular:").map(PathBuf::from) else {
            let problem = format!(
                "space `{}`: only benchmark tables can be searched yet, as in tabular:FILE.csv: the supernets that give \
                 other spaces their accuracy are not there",
                self.space
            );
            return Err(Error::Usage(problem));
        };
        let method = Method::named(&self.method)?;
        let goal = Goal::new(self.objective, self.limit)?;
        let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let table = Benchmark::parse(&name, &text)
            .map_err(|error| Error::Content { problem: error.to_string(), path: path.clone() })?;
        let space = table.space().clone();
        let rows = space.count().unwrap_or(u128::MAX);
        let evaluations =
            self.evaluations.unwrap_or(usize::try_from(rows.div_ceil(50)).unwrap_or(usize::MAX));
        let mut search = Searching::new(space.clone(), goal.clone(), method, self.seed);
        let found = search.run(evaluations, &mut table.evaluator(&goal)?)?;
        let truth = table.front(&goal)?;
        let shown =
            if self.front { found.members() } else { &found.members()[..found.members().len().min(1)] };
        if self.json {
            for member in shown {
                let metrics: serde_json::Map<_, _> = goal
                    .metrics()
                    .iter()
                    .cloned()
                    .zip(member.values.iter().map(|value| (*value).into()))
                    .collect();
                let line =
                    serde_json::json!({ "architecture": space.to_json(&member.genome), "metrics": metrics });
                writeln!(out, "{line}")?;
            }
            return Ok(());
        }
        let mut shown_table =
            Table::new(["architecture"].into_iter().map(String::from).chain(goal.metrics().iter().cloned()));
        for member in shown {
            let values = member.values.iter().map(|value| Cell::number(*value));
            shown_table.row([Cell::from(space.text(&member.genome))].into_iter().chain(values));
        }
        write!(out, "{}", shown_table.to_text())?;
        let reference = table.worst(&goal)?;
        let share = found.hypervolume(&goal, &reference) / truth.hypervolume(&goal, &reference);
        writeln!(
            out,
            "{} of {rows} architectures looked at; {:.2} % of the hypervolume of the true front ({} architectures)",
            search.history().len(),
            100.0 * share,
            truth.members().len()
        )?;
        Ok(())
    }
}

/// The names of the searchers are in the help of an option.
const _: () = assert!(METHODS.len() == 6);
