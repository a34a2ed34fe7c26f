//! `search --space tabular:FILE.csv`

use std::{io::Write, path::Path};

use sapwood_search::{Goal, Method, Search as Searching, Table as Benchmark};

use super::Search;
use crate::Error;

/// Searches a benchmark table, and says how much of what there is was found.
pub(super) fn run(options: &Search, path: &Path, goal: &Goal, out: &mut dyn Write) -> Result<(), Error> {
    let table = read(path)?;
    let space = table.space().clone();
    let rows = space.count().unwrap_or(u128::MAX);
    let usual = usize::try_from(rows.div_ceil(50)).unwrap_or(usize::MAX);
    let method = Method::named(&options.method)?;
    let mut search = Searching::new(space.clone(), goal.clone(), method, options.seed);
    let found = search.run(options.evaluations.unwrap_or(usual), &mut table.evaluator(goal)?)?;
    let truth = table.front(goal)?;
    options.show(&space, goal, &found, out)?;
    if !options.json {
        let reference = table.worst(goal)?;
        let share = found.hypervolume(goal, &reference) / truth.hypervolume(goal, &reference);
        writeln!(
            out,
            "{} of {rows} architectures looked at; {:.2} % of the hypervolume of the true front ({} architectures)",
            search.history().len(),
            100.0 * share,
            truth.members().len()
        )?;
    }
    Ok(())
}

/// A benchmark table, named after its file.
pub(in crate::cli) fn read(path: &Path) -> Result<Benchmark, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Benchmark::parse(&name, &text)
        .map_err(|error| Error::Content { problem: error.to_string(), path: path.into() })
}
