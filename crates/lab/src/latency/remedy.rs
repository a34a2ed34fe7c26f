//! Where the blocks come from that a table lacks.

use sapwood_deploy::latency::Measured;
use sapwood_search::{LatencyTable, Naming};
use sapwood_supernet::Family;

/// Where the blocks come from that a table lacks.
pub fn remedy(table: &LatencyTable, family: &Family, measured: Measured) -> String {
    remedy_of(table.naming, family.name(), measured)
}

/// The same for a table of which no more is known than how it names blocks.
pub fn remedy_of(naming: Naming, space: &str, measured: Measured) -> String {
    let option = if measured == Measured::Energies { " --energy" } else { "" };
    match naming {
        Naming::Published if measured == Measured::Times => {
            "`latency import` takes the tables of several resolutions together".into()
        }
        _ => format!("`latency build --space {space}{option} --out FILE` measures them all"),
    }
}

#[cfg(test)]
mod tests {
    use sapwood_search::Blocks;

    use super::*;
    use crate::{Error, latency::predicted_energy};

    #[test]
    fn a_table_without_energies_names_the_command_that_measures_them() {
        let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        let table = LatencyTable::of(family.name(), "here", 1, Blocks::new());
        let error = predicted_energy(&table, &family, &family.smallest()).unwrap_err();
        let error = Error::from(error).to_string();
        assert!(error.contains("`latency build --space resnet-tiny-image --energy --out FILE`"), "{error}");
    }
}
