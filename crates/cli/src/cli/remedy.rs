//! Where the blocks come from that a table of latencies lacks.

use sapwood_deploy::latency::Measured;
use sapwood_search::Naming;

/// The command that measures or reads them.
pub(super) fn remedy(naming: Naming, space: &str, measured: Measured) -> String {
    let option = if measured == Measured::Energies { " --energy" } else { "" };
    match naming {
        Naming::Published if measured == Measured::Times => {
            "`latency import` takes the tables of several resolutions together".into()
        }
        _ => format!(
            "`latency build --space {space}{option} --out FILE` measures them all, with the same `--input` and \
             `--classes` if any"
        ),
    }
}
