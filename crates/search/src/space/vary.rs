//! Genomes near others: mutation, crossover, neighbours.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;

use super::Space;
use crate::{Error, Genome, Rng};

/// How often a genome that the space does not have is drawn again before a step to
/// one that it has is taken instead.
const TRIES: usize = 32;

impl Space {
    /// The chance of each gene to mutate: `usual`, but for the genes of the choices
    /// that are named.
    ///
    /// # Errors
    /// A chance outside [0, 1], a name that is no choice, or two chances for choices of one gene.
    pub fn rates(&self, usual: f64, named: &BTreeMap<String, f64>) -> Result<Vec<f64>, Error> {
        for (name, chance) in named.iter().map(|(name, chance)| (name.as_str(), chance)).chain([("", &usual)])
        {
            if !(0.0..=1.0).contains(chance) {
                let field = if name.is_empty() { "mutation probability" } else { name };
                return Err(Error::option(field, "from 0 to 1", chance));
            }
        }
        let mut rates = vec![usual; self.genes.len()];
        let mut first: BTreeMap<usize, (&str, f64)> = BTreeMap::new();
        for (name, chance) in named {
            let names = || self.choices.iter().map(|choice| choice.name.as_str());
            let at = names().position(|each| each == name);
            let gene = self.gene_of[at.ok_or_else(|| Error::unknown("choice", name, names()))?];
            let (other, expected) = *first.entry(gene).or_insert((name.as_str(), *chance));
            if expected != *chance {
                let expected = format!("{expected}, as that of `{other}`, with which it mutates");
                return Err(Error::option(format!("mutation probability of `{name}`"), expected, chance));
            }
            rates[gene] = *chance;
        }
        Ok(rates)
    }

    /// A mutant: each gene is drawn anew with its chance, and so is every choice that
    /// gets a meaning by this. May be the genome itself.
    ///
    /// # Panics
    /// If there is not one chance for each gene.
    pub fn mutate(&self, genome: &Genome, rates: &[f64], rng: &mut Rng) -> Genome {
        assert_eq!(rates.len(), self.genes.len(), "one chance for each gene");
        self.within(genome, rng, |rng| {
            let redrawn: Vec<bool> = rates.iter().map(|chance| rng.random::<f64>() < *chance).collect();
            let before = genome.positions();
            let mut after = before.to_vec();
            for at in 0..after.len() {
                if !self.is_active(&after, at) {
                    after[at] = 0;
                } else if redrawn[self.gene_of[at]] || !self.is_active(before, at) {
                    after[at] = self.any_option(at, rng);
                }
            }
            after
        })
    }

    /// A child of two: each gene comes from one of them with equal chances, or from
    /// the one that has it.
    pub fn crossover(&self, one: &Genome, other: &Genome, rng: &mut Rng) -> Genome {
        self.within(one, rng, |rng| {
            let from_one: Vec<bool> = self.genes.iter().map(|_| rng.random()).collect();
            let mut child = vec![0; self.choices.len()];
            for at in 0..child.len() {
                let (first, second) = match from_one[self.gene_of[at]] {
                    true => (one, other),
                    false => (other, one),
                };
                if self.is_active(&child, at) {
                    // The genome that gave the choice that this one depends on has it.
                    let giver = if self.active(first, at) { first } else { second };
                    child[at] = giver.positions()[at];
                }
            }
            child
        })
    }

    /// A genome that differs in one choice that has a meaning, and in what gets a
    /// meaning by this. The genome itself, if there is no other.
    pub fn step(&self, genome: &Genome, rng: &mut Rng) -> Genome {
        let free: Vec<usize> = (0..self.choices.len())
            .filter(|at| 1 < self.choices[*at].options.len() && self.active(genome, *at))
            .collect();
        if free.is_empty() {
            return genome.clone();
        }
        self.within(genome, rng, |rng| {
            let before = genome.positions();
            let mut after = before.to_vec();
            let changed = free[rng.random_range(0..free.len())];
            let other = rng.random_range(1..self.choices[changed].options.len());
            after[changed] =
                ((usize::from(before[changed]) + other) % self.choices[changed].options.len()) as u8;
            for at in changed + 1..after.len() {
                match (self.is_active(before, at), self.is_active(&after, at)) {
                    (false, true) => after[at] = self.any_option(at, rng),
                    (_, false) => after[at] = 0,
                    _ => {}
                }
            }
            after
        })
    }

    /// All genomes that differ in one choice that has a meaning, in ascending order of
    /// (choice, option). What gets a meaning by this takes its first option.
    pub fn neighbours(&self, genome: &Genome) -> Vec<Genome> {
        let mut found = Vec::new();
        for at in (0..self.choices.len()).filter(|at| self.active(genome, *at)) {
            for option in (0..self.choices[at].options.len()).map(|option| option as u8) {
                let mut positions = genome.positions().to_vec();
                if positions[at] != option {
                    positions[at] = option;
                    self.canonicalise(&mut positions);
                    found.extend(self.resolve(Genome::new(positions)));
                }
            }
        }
        if self.members.is_some() {
            // Aliases may stand for one and the same.
            let mut seen = BTreeSet::from([genome.clone()]);
            found.retain(|neighbour| seen.insert(neighbour.clone()));
        }
        found
    }

    fn any_option(&self, at: usize, rng: &mut Rng) -> u8 {
        rng.random_range(0..self.choices[at].options.len()) as u8
    }

    /// The first genome drawn that the space has; after some tries one of those near
    /// `origin`, or any.
    fn within(&self, origin: &Genome, rng: &mut Rng, mut draw: impl FnMut(&mut Rng) -> Vec<u8>) -> Genome {
        for _ in 0..TRIES {
            let genome = Genome::new(draw(rng));
            if let Some(genome) = self.resolve(genome) {
                return genome;
            }
        }
        let near = self.neighbours(origin);
        match near.is_empty() {
            true => self.sample(rng),
            false => near[rng.random_range(0..near.len())].clone(),
        }
    }
}
