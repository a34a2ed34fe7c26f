//! What the training of nested networks costs.

use std::collections::BTreeMap;

use sapwood_backend::Seed;
use sapwood_core::Anatomy;
use sapwood_search::Genome;

use crate::{Error, Family, Phase};

/// Multiply-accumulates of training in these phases: three
/// times those of each forward pass, since a backward
/// pass costs two, and once those of the teacher. `per_tenth` are the iterations of a [tenth](crate::Tenths) of an
/// epoch, which is what the recipes of phases call an epoch.
///
/// # Errors
/// Phases that do not follow each other.
pub fn training_macs(
    family: &Family,
    phases: &[Phase],
    seed: Seed,
    batch_size: usize,
    per_tenth: usize,
) -> Result<f64, Error> {
    let opened = Phase::opened(phases, family.space())?;
    let input = family.whole().input();
    let mut known = BTreeMap::new();
    let mut macs = |genome: &Genome| -> Result<f64, Error> {
        if let Some(macs) = known.get(genome) {
            return Ok(*macs);
        }
        let macs = family.graph(genome)?.anatomy(input)?.macs() as f64;
        known.insert(genome.clone(), macs);
        Ok(macs)
    };
    let mut sum = 0.0;
    for (number, phase) in phases.iter().enumerate() {
        let seed = Phase::draws(number, seed);
        for iteration in 0..phase.recipe.epochs * per_tenth {
            let genomes = phase.rule.genomes(&opened[number], family.space(), seed, iteration)?;
            if phase.is_taught() {
                // Its resolution is that of the networks that it teaches.
                sum += macs(&opened[number].like(family.space(), &genomes[0])?)?;
            }
            for genome in genomes {
                sum += Anatomy::TRAINING_PASSES * macs(&genome)?;
            }
        }
    }
    Ok(sum * batch_size as f64)
}
