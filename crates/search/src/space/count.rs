//! How many genomes there are, and drawing one of them with equal chances.

use rand::RngExt as _;

use super::{Node, Space};
use crate::{Choice, Genome, Rng};

/// Writes into each node, for each of its options, the number of ways to choose
/// everything that depends on it. Where that does not fit 128 bits, says where.
pub(super) fn fill(nodes: &mut [Node], choices: &[Choice]) -> Result<(), usize> {
    // Children stand behind their parents.
    for at in (0..nodes.len()).rev() {
        let below = |option: usize| {
            let open = nodes[at]
                .children
                .iter()
                .filter(|child| nodes[**child].parent.as_ref().is_some_and(|parent| parent.opens[option]));
            open.map(|child| total(&nodes[*child].ways)).try_fold(1u128, |ways, more| ways.checked_mul(more?))
        };
        let ways: Option<Vec<u128>> = (0..choices[at].options.len()).map(below).collect();
        nodes[at].ways = ways.ok_or(at)?;
        total(&nodes[at].ways).ok_or(at)?;
    }
    Ok(())
}

fn total(ways: &[u128]) -> Option<u128> {
    ways.iter().try_fold(0u128, |sum, more| sum.checked_add(*more))
}

impl Space {
    /// The exact number of genomes: of networks that differ. `None` above 2^128; see
    /// [`Space::log10_count`] then.
    pub fn count(&self) -> Option<u128> {
        match &self.members {
            Some(members) => Some(members.genomes.len() as u128),
            None => self.roots().try_fold(1u128, |ways, root| ways.checked_mul(total(&root.ways)?)),
        }
    }

    /// The decimal logarithm of the number of genomes.
    pub fn log10_count(&self) -> f64 {
        match &self.members {
            Some(members) => (members.genomes.len() as f64).log10(),
            None => self.roots().map(|root| (total(&root.ways).unwrap_or(u128::MAX) as f64).log10()).sum(),
        }
    }

    fn roots(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.parent.is_none())
    }

    /// A genome, each with the same chance. Drawing each choice by itself would
    /// favour the genomes in which few choices have a meaning: a shallow network has
    /// fewer variants than a deep one.
    pub fn sample(&self, rng: &mut Rng) -> Genome {
        if let Some(members) = &self.members {
            return members.genomes[rng.random_range(0..members.genomes.len())].clone();
        }
        let mut positions = vec![0; self.choices.len()];
        for at in 0..positions.len() {
            if self.is_active(&positions, at) {
                positions[at] = pick(&self.nodes[at].ways, rng);
            }
        }
        Genome::new(positions)
    }

    /// Every genome once, in ascending order. Meant for spaces of some millions.
    pub fn genomes(&self) -> Box<dyn Iterator<Item = Genome> + '_> {
        if let Some(members) = &self.members {
            return Box::new(members.genomes.iter().cloned());
        }
        let first = Genome::new(vec![0; self.choices.len()]);
        Box::new(std::iter::successors(Some(first), |genome| self.following(genome)))
    }

    /// The next larger genome: the last active choice that can advances, and what
    /// stands behind it starts again.
    fn following(&self, genome: &Genome) -> Option<Genome> {
        let mut positions = genome.positions().to_vec();
        let advances = (0..positions.len()).rev().find(|at| {
            self.is_active(&positions, *at)
                && usize::from(positions[*at]) + 1 < self.choices[*at].options.len()
        })?;
        positions[advances] += 1;
        positions[advances + 1..].fill(0);
        Some(Genome::new(positions))
    }
}

/// An option, with chances in proportion to these numbers of ways.
fn pick(ways: &[u128], rng: &mut Rng) -> u8 {
    if ways.iter().all(|each| *each == ways[0]) {
        return rng.random_range(0..ways.len()) as u8;
    }
    let mut left = rng.random_range(0..ways.iter().sum::<u128>());
    for (option, each) in ways.iter().enumerate() {
        if left < *each {
            return option as u8;
        }
        left -= each;
    }
    unreachable!("the draw is below the sum")
}
