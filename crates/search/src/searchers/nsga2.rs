//! NSGA-II.

use std::collections::BTreeMap;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{at_least, belongs};
use crate::{Error, Genome, Rng, Searcher, View, ranking};

/// NSGA-II (Deb et al. 2002): parents win binary tournaments by Pareto front and crowding;
/// of parents and children together the best live on. Constraints enter by constrained
/// dominance.
///
/// Children are crossovers of two parents, or copies of one, and then mutate in one gene on
/// average; a child that was evaluated before is made again. The population is half the
/// paper's 100, because an evaluation is expensive here; a short front is found with fewer
/// evaluations by a still smaller one, which in turn thins out a long front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nsga2 {
    /// How many live.
    pub population: usize,
    /// Children of each generation.
    pub children: usize,
    /// The chance of a child to have two parents.
    pub crossover_probability: f64,
    /// The expected number of genes of a child that are drawn anew.
    pub mutations: f64,
    /// Genomes of the first population; the others are drawn.
    pub start: Vec<Genome>,
    /// State: the population, best first, as positions in the history.
    pub alive: Vec<usize>,
}

impl Default for Nsga2 {
    fn default() -> Self {
        Self {
            population: 50,
            children: 50,
            crossover_probability: 0.9,
            mutations: 1.0,
            start: Vec::new(),
            alive: Vec::new(),
        }
    }
}

impl Nsga2 {
    /// The winner of a tournament: the population is sorted, so the lower place wins.
    fn parent(&self, view: &View<'_>, rng: &mut Rng) -> Genome {
        let mut any = || rng.random_range(0..self.alive.len());
        view.history().genome(self.alive[any().min(any())])
    }
}

impl Searcher for Nsga2 {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let space = view.space();
        let mut batch = view.batch();
        if self.alive.is_empty() {
            for genome in self.start.iter().take(self.population) {
                space.check(genome)?;
                batch.push(genome.clone());
            }
            while batch.len() < self.population {
                let before = batch.len();
                batch.add(|rng| space.sample(rng));
                if batch.len() == before {
                    break;
                }
            }
            return Ok(batch.into_genomes());
        }
        let chance = (self.mutations / space.genes().len() as f64).min(1.0);
        let rates = space.rates(chance, &BTreeMap::new())?;
        for _ in 0..self.children {
            batch.add(|rng| {
                let mut child = self.parent(view, rng);
                if rng.random::<f64>() < self.crossover_probability {
                    child = space.crossover(&child, &self.parent(view, rng), rng);
                }
                space.mutate(&child, &rates, rng)
            });
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, view: &View<'_>, asked: &[usize]) {
        let rated = ranking::rated(view, &self.alive, asked);
        self.alive = ranking::best(rated, self.population);
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        at_least("population", 2, self.population)?;
        at_least("children", 1, self.children)?;
        if !(0.0..=1.0).contains(&self.crossover_probability) {
            return Err(Error::option("crossover probability", "from 0 to 1", self.crossover_probability));
        }
        if !self.mutations.is_finite() || self.mutations < 0.0 {
            return Err(Error::option("mutations", "0 or more", self.mutations));
        }
        belongs(&self.alive, evaluations)
    }
}
