//! `search --space tabular:FILE.csv`

use std::{io::Write, path::Path};

use sapwood_core::write_atomic;
use sapwood_search::Goal;

use super::{super::benchmark, Search, page::Fronts, saved::Saved};
use crate::Error;

/// Searches a benchmark table, and says how much of what there is was found.
pub(super) fn run(options: &Search, path: &Path, goal: &Goal, out: &mut dyn Write) -> Result<(), Error> {
    let table = benchmark::read(path)?;
    let space = table.space().clone();
    let rows = space.count().unwrap_or(u128::MAX);
    let usual = usize::try_from(rows.div_ceil(50)).unwrap_or(usize::MAX);
    let mut evaluator = table.evaluator(goal)?;
    let mut saved = Saved::of(options, [Some(path), None])?;
    let mut search = saved.resume(options.begin(&space, goal)?)?;
    let most = options.looks(usual);
    while search.round(most, &mut evaluator)?.is_none() {
        saved.after_round(&search)?;
    }
    saved.end(&search)?;
    let found = search.front()?;
    let truth = table.front(goal)?;
    options.show(&space, goal, &found, out)?;
    if !options.json {
        let reference = table.worst(goal)?;
        let whole = truth.hypervolume(goal, &reference);
        // A front of which each point is the worst in one objective has none.
        let share = match 0.0 < whole {
            true => {
                format!("{:.2} % of the hypervolume", 100.0 * found.hypervolume(goal, &reference) / whole)
            }
            false => "there is no hypervolume".into(),
        };
        writeln!(
            out,
            "{} of {rows} architectures looked at; {share} of the true front ({} architectures)",
            search.history().len(),
            truth.members().len()
        )?;
    }
    if let Some(path) = &options.page {
        let [first, second] = [0, 1].map(|at| table.metric(goal.objectives()[at].metric()));
        let all = second?.1.into_iter().zip(first?.1).collect();
        let fronts = vec![("found".into(), &found), ("true front".into(), &truth)];
        let fronts = Fronts { name: space.name().into(), fronts, all, about: "" };
        let numbers = options.table_of(&space, goal, found.members());
        write_atomic(path, fronts.page(goal, numbers)?.as_bytes())?;
    }
    Ok(())
}
