//! Random search.

use serde::{Deserialize, Serialize};

use super::at_least;
use crate::{Error, Genome, Searcher, View};

/// Draws genomes with equal chances, none twice as long as others are left. What any
/// other searcher has to beat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// How many are evaluated together.
    pub batch: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self { batch: 100 }
    }
}

impl Searcher for Random {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let mut batch = view.batch();
        for _ in 0..self.batch {
            batch.add(|rng| view.space().sample(rng));
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, _view: &View<'_>, _asked: &[usize]) {}

    fn check(&self, _evaluations: usize) -> Result<(), Error> {
        at_least("batch", 1, self.batch)
    }
}
