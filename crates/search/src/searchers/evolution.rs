//! The evolutionary search of once-for-all networks.

use std::collections::BTreeMap;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{at_least, belongs, fraction};
use crate::{Error, Genome, Searcher, View, ranking};

/// The search that was published with once-for-all networks (Cai et al. 2020, section 3.4,
/// parameters of the authors' code): in each generation the best quarter live on and have
/// as many children as the population is large, half of them mutants and half crossovers.
/// The defaults are theirs; with them 100 + 500 x 100 genomes are evaluated.
///
/// What differs from the authors' code: equal networks are evaluated once; a child is drawn
/// again a bounded number of times, and then changed towards what is allowed; the last
/// generation counts; with several objectives, "best" is by Pareto rank and crowding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evolution {
    /// Genomes in the first generation, and children in each later one.
    pub population: usize,
    /// Generations after the first.
    pub generations: usize,
    /// The fraction of the population that lives on.
    pub parent_ratio: f64,
    /// The fraction of the children that are mutants.
    pub mutation_ratio: f64,
    /// The chance of each gene of a mutant to be drawn anew.
    pub mutation_probability: f64,
    /// Chances of single choices instead. The authors' code has 0.5 for the resolution.
    pub probabilities: BTreeMap<String, f64>,
    /// State: the generations that are done.
    pub generation: usize,
    /// State: what lives on, best first, as positions in the history.
    pub parents: Vec<usize>,
}

impl Default for Evolution {
    fn default() -> Self {
        Self {
            population: 100,
            generations: 500,
            parent_ratio: 0.25,
            mutation_ratio: 0.5,
            mutation_probability: 0.1,
            probabilities: BTreeMap::new(),
            generation: 0,
            parents: Vec::new(),
        }
    }
}

impl Searcher for Evolution {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let (space, history) = (view.space(), view.history());
        let rates = space.rates(self.mutation_probability, &self.probabilities)?;
        let mut batch = view.batch();
        if self.parents.is_empty() {
            for _ in 0..self.population {
                batch.add(|rng| space.sample(rng));
            }
        } else if self.generation <= self.generations {
            let mutants = (self.population as f64 * self.mutation_ratio).round() as usize;
            let any =
                |rng: &mut crate::Rng| history.genome(self.parents[rng.random_range(0..self.parents.len())]);
            for child in 0..self.population {
                batch.add(|rng| {
                    let parent = any(rng);
                    match child < mutants {
                        true => space.mutate(&parent, &rates, rng),
                        false => space.crossover(&parent, &any(rng), rng),
                    }
                });
            }
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, view: &View<'_>, asked: &[usize]) {
        let rated = ranking::rated(view, &self.parents, asked);
        let parents = (self.population as f64 * self.parent_ratio).round() as usize;
        self.parents = ranking::best(rated, parents.max(1));
        self.generation += 1;
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        at_least("population", 2, self.population)?;
        fraction("parent ratio", self.parent_ratio)?;
        if !(0.0..=1.0).contains(&self.mutation_ratio) {
            return Err(Error::option("mutation ratio", "from 0 to 1", self.mutation_ratio));
        }
        belongs(&self.parents, evaluations)
    }
}
