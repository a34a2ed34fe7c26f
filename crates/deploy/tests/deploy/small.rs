//! A family of small networks.

use std::collections::BTreeMap;

use sapwood_core::Graph;
use sapwood_deploy::latency::keys;
use sapwood_search::{BlockTime, Choice, Genome, LatencyTable, Space};
use sapwood_supernet::Family;

/// Two hidden layers, each of 4, 8, 16 or 32 units.
pub(crate) fn family() -> Family {
    let widths = ["4", "8", "16", "32"];
    let space = Space::new("two-layers", vec![Choice::new("one", widths), Choice::new("two", widths)]);
    let family = Family::new(space.unwrap(), |chosen| {
        let mut g = Graph::builder([1, 4, 4]);
        let x = g.linear("fc1", g.input(), chosen.get("one")?);
        let x = g.relu(x);
        let x = g.linear("fc2", x, chosen.get("two")?);
        let x = g.relu(x);
        g.linear("fc3", x, 10);
        Ok(g.finish()?)
    });
    family.unwrap()
}

/// All sixteen.
pub(crate) fn all(family: &Family) -> Vec<Genome> {
    let positions = (0..4u8).flat_map(|one| (0..4u8).map(move |two| [one, two]));
    positions.map(|positions| family.space().genome(&positions).unwrap()).collect()
}

/// A table in which a block takes a microsecond for each of its parameters.
pub(crate) fn table(family: &Family) -> LatencyTable {
    let mut blocks = BTreeMap::new();
    for genome in all(family) {
        let graph = family.graph(&genome).unwrap();
        for (key, block) in keys(family, &genome).unwrap().into_iter().zip(graph.blocks([1, 4, 4]).unwrap()) {
            let ms = block.anatomy(block.input()).unwrap().params() as f64 * 1e-3;
            blocks.insert(key, BlockTime { ms, spread_ms: 0.0, runs: 1, mj: None });
        }
    }
    LatencyTable::of(family.name(), "a device", 1, blocks)
}
