//! What the page can offer before anything is chosen.

use sapwood_prune::ALLOCATIONS;
use serde::Serialize;

use crate::{DataName, FAMILIES, NETWORKS};

/// All that can be chosen, from the tables of the crates.
#[derive(Clone, Debug, Serialize)]
pub struct Menu {
    /// This crate's version.
    pub version: &'static str,
    /// Networks.
    pub networks: Vec<NetworkChoice>,
    /// How kept weights are spread: names and what they do.
    pub allocations: Vec<(&'static str, &'static str)>,
    /// Once-for-all networks: names and what they are.
    pub families: &'static [(&'static str, &'static str)],
}

/// One network.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkChoice {
    /// Its name.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it learns.
    pub data: DataName,
    /// How many epochs are customary.
    pub epochs: usize,
}

/// What can be chosen.
pub fn menu() -> Menu {
    let networks = NETWORKS.iter().map(|row| NetworkChoice {
        name: row.name,
        label: row.label,
        data: row.data,
        epochs: row.epochs,
    });
    Menu {
        version: env!("CARGO_PKG_VERSION"),
        networks: networks.collect(),
        allocations: ALLOCATIONS.iter().map(|row| (row.name, row.about)).collect(),
        families: FAMILIES,
    }
}
