//! What a table says of a sub-network.

use sapwood_core::Graph;
use sapwood_search::{Genome, LatencyTable, Naming};
use sapwood_supernet::Family;

use super::{Measured, published};
use crate::Error;

/// The blocks of a sub-network, as a table names them that was measured here.
///
/// # Errors
/// Choices that are none of the family's.
pub fn keys(family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    let graph = family.graph(genome)?;
    Ok(graph.blocks(family.whole().input())?.iter().map(Graph::signature).collect())
}

/// The blocks of a sub-network, as this table names them.
pub(super) fn keys_in(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    match table.naming {
        Naming::Layers => keys(family, genome),
        Naming::Published => published::keys(family, genome),
    }
}

/// The milliseconds of a sub-network.
///
/// # Errors
/// [`Error::Lacking`] where the table has no time for one of its blocks; [`Error::Tables`] where published names are asked of
/// a family that has none; choices that are none of the family's.
pub fn predicted(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<f64, Error> {
    let found = table.predict(keys_in(table, family, genome)?);
    found.map_err(|error| lacking(error, table, family, Measured::Times))
}

/// The millijoules of a sub-network.
///
/// # Errors
/// Those of [`predicted`], of energies.
pub fn predicted_energy(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<f64, Error> {
    let found = table.predict_energy(keys_in(table, family, genome)?);
    found.map_err(|error| lacking(error, table, family, Measured::Energies))
}

/// Says what was asked of a table that lacks blocks.
fn lacking(error: sapwood_search::Error, table: &LatencyTable, family: &Family, measured: Measured) -> Error {
    match error {
        sapwood_search::Error::MissingBlocks { .. } => {
            Error::Lacking { error, measured, space: family.name().into(), naming: table.naming }
        }
        other => other.into(),
    }
}
