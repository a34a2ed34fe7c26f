//! `search --space FAMILY`

use std::io::Write;

use sapwood_core::write_atomic;
use sapwood_deploy::{Pairs, Searching, check, coverage};
use sapwood_search::Goal;

use super::{
    super::{architectures, latency_table::read_table},
    Search, many,
    measured::measured,
    page::Fronts,
    saved::Saved,
};
use crate::Error;

/// Looks of a search whose predictor has learnt, as the published one has them.
pub(super) const LOOKS: usize = 50_100;

/// Of which images accuracies are.
const PREDICTED: &str = " The accuracy is predicted, for the images that the pairs were measured on: the test split, or \
                         held-out training images.";

/// Searches the networks of a family, for one device or for each of several.
pub(super) fn run(options: &Search, name: &str, goal: &Goal, out: &mut dyn Write) -> Result<(), Error> {
    let family = architectures::named(name, options.input, options.classes)?;
    let Some(pairs_file) = &options.pairs else {
        let problem =
            "expected `--pairs FILE`, from which accuracies are predicted: `supernet pairs` writes it";
        return Err(Error::Usage(problem.into()));
    };
    let pairs = Pairs::read(&family, pairs_file)?;
    if !options.many.is_empty() {
        return many::run(options, &family, &pairs, goal, out);
    }
    // What cannot be read, known or predicted is told before anything is learnt, searched and written.
    let table = options.table.as_deref().map(read_table).transpose()?;
    check(&family, table.as_ref(), goal)?;
    let space = match &table {
        Some(table) => measured(&family, table, &coverage(&family, table, goal)?, options.only_measured)?,
        None => family.space().clone(),
    };
    let predictor = pairs.predictor(&family, options.seed)?;
    let searching = Searching { family: &family, predictor: &predictor, table: table.as_ref() };
    let inputs = [Some(pairs_file.as_path()), options.table.as_deref()];
    let mut saved = Saved::of(options, inputs)?;
    let mut search = saved.resume(options.begin(&space, goal)?)?;
    let found = searching.go_on(&mut search, options.looks(LOOKS), |search| saved.after_round(search));
    saved.end(&search)?;
    let found = found?;
    options.show(&space, goal, &found, out)?;
    if let Some(path) = &options.page {
        let name = family.name().to_string();
        let fronts =
            Fronts { name, fronts: vec![("found".into(), &found)], all: Vec::new(), about: PREDICTED };
        let numbers = options.table_of(&space, goal, found.members());
        write_atomic(path, fronts.page(goal, numbers)?.as_bytes())?;
    }
    Ok(())
}
