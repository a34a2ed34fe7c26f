//! What of a space was measured.

use sapwood_deploy::coverage;
use sapwood_search::{Goal, LatencyTable, Space};
use sapwood_supernet::Family;

use super::{
    super::{bar::note, remedy::remedy},
    Search,
};
use crate::Error;

/// The space that is searched with a table: all of it, or what was measured, where that is asked for.
pub(super) fn measured(
    options: &Search,
    family: &Family,
    table: &LatencyTable,
    goal: &Goal,
) -> Result<Space, Error> {
    let covered = coverage(family, table, goal)?;
    let Some(lacking) = covered.iter().find(|each| !each.is_complete()) else {
        return Ok(family.space().clone());
    };
    let complete: Vec<&str> = lacking
        .complete()
        .into_iter()
        .filter(|resolution| covered.iter().all(|each| each.complete().contains(resolution)))
        .collect();
    let remedy = remedy(table.naming, family.name(), lacking.measured());
    match (complete.is_empty(), options.only_measured) {
        (false, true) => {
            let resolutions = complete.join(", ");
            note(&format!(
                "note: only the resolutions that {} was measured at are searched: {resolutions}",
                table.device
            ));
            Ok(family.space().narrowed("r", |option| complete.contains(&option))?)
        }
        (false, false) => {
            Err(Error::Usage(format!("{lacking} (`--only-measured` searches these alone; {remedy})")))
        }
        (true, _) => Err(Error::Usage(format!("{lacking} ({remedy})"))),
    }
}
