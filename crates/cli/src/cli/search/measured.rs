//! What of a space was measured.

use sapwood_deploy::latency::Coverage;
use sapwood_search::{LatencyTable, Space};
use sapwood_supernet::Family;

use super::super::{bar::note, remedy::remedy};
use crate::Error;

/// The part of a space that a table has all of, by what it covers: the whole, or, where that is allowed, the
/// resolutions that were measured.
pub(crate) fn measured(
    family: &Family,
    table: &LatencyTable,
    covered: &[Coverage],
    may_be_part: bool,
) -> Result<Space, Error> {
    let Some(lacking) = covered.iter().find(|each| !each.is_complete()) else {
        return Ok(family.space().clone());
    };
    let complete: Vec<&str> = lacking
        .complete()
        .into_iter()
        .filter(|resolution| covered.iter().all(|each| each.complete().contains(resolution)))
        .collect();
    let remedy = remedy(table.naming, family.name(), lacking.measured());
    match (complete.is_empty(), may_be_part) {
        (false, true) => {
            let resolutions = complete.join(", ");
            note(&format!(
                "note: networks are taken of the resolutions alone that {} was measured at: {resolutions}",
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
