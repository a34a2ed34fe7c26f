//! Local search.

use std::collections::BTreeSet;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{at_least, belongs};
use crate::{Error, Genome, Searcher, View, ranking};

/// Pareto local search (Paquete et al. 2004): all neighbours of a member of the front are
/// evaluated and compete for the front; when the neighbours of every member are known, it
/// starts again from new random genomes. With one objective this is steepest descent with
/// restarts, a strong baseline in architecture search (White et al. 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalSearch {
    /// Random genomes at each start.
    pub starts: usize,
    /// State: the front since the last start, as positions in the history.
    pub front: Vec<usize>,
    /// State: those of it whose neighbours are known.
    pub explored: BTreeSet<usize>,
}

impl Default for LocalSearch {
    fn default() -> Self {
        Self { starts: 10, front: Vec::new(), explored: BTreeSet::new() }
    }
}

impl Searcher for LocalSearch {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let mut batch = view.batch();
        let open: Vec<usize> = self.front.iter().filter(|at| !self.explored.contains(at)).copied().collect();
        if open.is_empty() {
            self.front.clear();
            self.explored.clear();
            for _ in 0..self.starts {
                batch.add(|rng| view.space().sample(rng));
            }
            return Ok(batch.into_genomes());
        }
        let member = open[batch.rng().random_range(0..open.len())];
        self.explored.insert(member);
        let origin = view.history().genome(member);
        let here = view.violation(&origin);
        for neighbour in view.space().neighbours(&origin) {
            // Through forbidden land only towards what is allowed.
            let there = view.violation(&neighbour);
            if there == 0.0 || there < here {
                batch.push(neighbour);
            }
        }
        if batch.is_empty() {
            batch.push(origin);
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, view: &View<'_>, asked: &[usize]) {
        let rated = ranking::rated(view, &self.front, asked);
        let first = ranking::fronts(rated).swap_remove(0);
        self.front = first.into_iter().map(|one| one.at).collect();
        self.explored.retain(|at| self.front.contains(at));
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        at_least("starts", 1, self.starts)?;
        belongs(&self.front, evaluations)?;
        belongs(&self.explored, evaluations)
    }
}
