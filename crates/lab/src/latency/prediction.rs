//! What a table says of a sub-network.

use sapwood_core::Graph;
use sapwood_search::{Genome, LatencyTable, Naming};
use sapwood_supernet::Family;

use super::published;
use crate::Error;

/// The blocks of a sub-network, as a table names them that was measured here.
pub fn keys(family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    let graph = family.graph(genome)?;
    Ok(graph.blocks(family.whole().input())?.iter().map(Graph::signature).collect())
}

/// The blocks of a sub-network, as this table names them.
fn keys_in(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    match table.naming {
        Naming::Layers => keys(family, genome),
        Naming::Published => published::keys(family, genome),
    }
}

/// The milliseconds of a sub-network.
pub(crate) fn predicted(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<f64, Error> {
    table.predict(keys_in(table, family, genome)?).map_err(|error| measure(error, family, ""))
}

/// The millijoules of a sub-network.
pub(crate) fn predicted_energy(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<f64, Error> {
    table.predict_energy(keys_in(table, family, genome)?).map_err(|error| measure(error, family, " --energy"))
}

/// Names the command that measures what a table lacks.
fn measure(error: sapwood_search::Error, family: &Family, option: &str) -> Error {
    match error {
        sapwood_search::Error::MissingBlocks { .. } => Error::Usage(format!(
            "{error} (`latency build --space {}{option} --out FILE` measures them all)",
            family.name()
        )),
        other => other.into(),
    }
}
