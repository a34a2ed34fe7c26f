//! Regularised evolution.

use std::collections::VecDeque;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{at_least, belongs};
use crate::{Error, Genome, Searcher, View, ranking};

/// Aging evolution (Real et al. 2019, algorithm 1): the best of a random sample of the
/// population has a child that differs in one choice; the child joins, the oldest leaves.
///
/// Two things differ from the paper. "Best" is by constrained Pareto rank and crowding
/// within the sample, so that it works for several objectives; for one this is the paper's.
/// Several children can be made from one population (`batch`), so that they can be
/// evaluated in parallel without the answer depending on who finishes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegularisedEvolution {
    /// How many live.
    pub population: usize,
    /// How many of them compete to have a child.
    pub sample: usize,
    /// How many children are evaluated together.
    pub batch: usize,
    /// State: the population, oldest first, as positions in the history.
    pub alive: VecDeque<usize>,
}

impl Default for RegularisedEvolution {
    fn default() -> Self {
        Self { population: 100, sample: 25, batch: 1, alive: VecDeque::new() }
    }
}

impl Searcher for RegularisedEvolution {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let mut batch = view.batch();
        if self.alive.len() < self.population {
            for _ in self.alive.len()..self.population {
                batch.add(|rng| view.space().sample(rng));
            }
            return Ok(batch.into_genomes());
        }
        for _ in 0..self.batch {
            let sample = (0..self.sample).map(|_| self.alive[batch.rng().random_range(0..self.alive.len())]);
            let mut sample: Vec<usize> = sample.collect();
            sample.sort_unstable();
            sample.dedup();
            let rated = sample.iter().map(|at| ranking::rate(view.goal(), view.history(), *at));
            let parent = view.history().genome(ranking::best(rated.collect(), 1)[0]);
            batch.add(|rng| view.space().step(&parent, rng));
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, _view: &View<'_>, asked: &[usize]) {
        self.alive.extend(asked);
        let dead = self.alive.len().saturating_sub(self.population);
        self.alive.drain(..dead);
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        at_least("population", 1, self.population)?;
        at_least("sample", 1, self.sample)?;
        at_least("batch", 1, self.batch)?;
        belongs(&self.alive, evaluations)
    }
}
