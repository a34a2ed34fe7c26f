//! The blocks of a family, and networks in which all of them stand.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::Graph;
use sapwood_search::Genome;
use sapwood_supernet::Family;

use crate::Error;

/// Networks without a new block after which a space is taken to have no others.
const PATIENCE: usize = 2000;

/// Every block of a family's networks, and networks that have them all.
pub(super) struct Cover {
    /// The blocks by signature.
    pub(super) blocks: BTreeMap<String, Graph>,
    /// The signatures of the blocks of each network, in order.
    pub(super) networks: Vec<Vec<String>>,
}

impl Cover {
    /// Looks through random networks until many in a row have nothing new, then through those in
    /// which one choice or two are not the largest.
    pub(super) fn of(family: &Family) -> Result<Self, Error> {
        let mut found = Self { blocks: BTreeMap::new(), networks: Vec::new() };
        // The random ones first: each has many new blocks, so that few are enough.
        let (mut quiet, mut number) = (0, 0);
        while quiet < PATIENCE {
            quiet = if found.look(family, &draw(family, number))? { 0 } else { quiet + 1 };
            number += 1;
        }
        found.look(family, &family.smallest())?;
        let (space, largest) = (family.space(), family.largest());
        let options = |at: usize| (0..space.choices()[at].options().len()).map(|option| option as u8);
        for at in 0..space.choices().len() {
            for other in at..space.choices().len() {
                for (option, other_option) in options(at).flat_map(|a| options(other).map(move |b| (a, b))) {
                    let mut positions = largest.positions().to_vec();
                    (positions[at], positions[other]) = (option, other_option);
                    found.look(family, &space.genome(&positions)?)?;
                }
            }
        }
        found.networks = few(found.networks);
        Ok(found)
    }

    /// Says whether a network had a new block.
    fn look(&mut self, family: &Family, genome: &Genome) -> Result<bool, Error> {
        let before = self.blocks.len();
        let mut network = Vec::new();
        for block in family.graph(genome)?.blocks(family.whole().input())? {
            network.push(block.signature());
            self.blocks.entry(block.signature()).or_insert(block);
        }
        let new = before < self.blocks.len();
        if new {
            self.networks.push(network);
        }
        Ok(new)
    }
}

/// Few of them that have all blocks: always the one with the most that are still missing.
fn few(mut networks: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut missing: BTreeSet<String> = networks.iter().flatten().cloned().collect();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let new = |network: &Vec<String>| {
            network.iter().filter(|key| missing.contains(*key)).collect::<BTreeSet<_>>().len()
        };
        let Some(best) = (0..networks.len()).max_by_key(|at| (new(&networks[*at]), Reverse(*at))) else {
            break;
        };
        let network = networks.remove(best);
        missing.retain(|key| !network.contains(key));
        chosen.push(network);
    }
    chosen
}

/// A random network.
pub fn draw(family: &Family, number: u64) -> Genome {
    let mut rng: Rng = Seed(0).stream(Stream::Data, number);
    family.space().sample(&mut rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_stands_in_one_of_few_networks() {
        let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        let cover = Cover::of(&family).unwrap();
        let has =
            |networks: &[Vec<String>], key: &String| networks.iter().any(|network| network.contains(key));
        assert!(cover.blocks.keys().all(|key| has(&cover.networks, key)));
        assert!(1 < cover.networks.len() && cover.networks.len() < cover.blocks.len());
        for (at, network) in cover.networks.iter().enumerate() {
            assert!(network.iter().any(|key| !has(&cover.networks[..at], key)), "{at} has nothing new");
        }
        // A random network has no other blocks.
        for number in 0..50 {
            let keys = crate::latency::keys(&family, &draw(&family, 1 << 40 | number)).unwrap();
            assert!(keys.iter().all(|key| cover.blocks.contains_key(key)));
        }
    }
}
