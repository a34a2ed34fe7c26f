//! The part of a space that is trained.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::Op;
use sapwood_search::{Genome, Space};

use crate::{Error, Family};

/// The choice that is the resolution of the images, where a space has it.
const RESOLUTION: &str = "r";

/// For each choice of a space the options that are trained so far. Networks are drawn as the
/// reference draws them: each choice by itself, so that shallow networks come more often than
/// their number would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Positions of options, ascending.
    options: Vec<Vec<u8>>,
}

impl Opened {
    /// The largest network alone, in all its resolutions.
    pub fn largest(space: &Space) -> Self {
        let options = space.choices().iter().map(|choice| match choice.options().len() as u8 {
            n if choice.name() == RESOLUTION => (0..n).collect(),
            n => vec![n - 1],
        });
        Self { options: options.collect() }
    }

    /// The whole space.
    pub fn all(space: &Space) -> Self {
        let options = space.choices().iter().map(|choice| (0..choice.options().len() as u8).collect());
        Self { options: options.collect() }
    }

    /// With these options besides: those of one choice (`ks.3`), or of all choices of a list
    /// (`ks`). Says what is wrong with one that is open already, or not there.
    pub(crate) fn open(&mut self, space: &Space, name: &str, option: &str) -> Result<(), String> {
        let belongs =
            |choice: &str| choice == name || choice.rsplit_once('.').is_some_and(|(list, _)| list == name);
        let mut found = false;
        for (at, choice) in space.choices().iter().enumerate().filter(|(_, c)| belongs(c.name())) {
            found = true;
            let Some(position) = choice.options().iter().position(|each| each == option) else {
                let options = choice.options().join(", ");
                return Err(format!("`{}` has no option {option}: expected one of {options}", choice.name()));
            };
            let position = position as u8;
            if self.options[at].contains(&position) {
                return Err(format!(
                    "it opens `{name}` = {option}, which is open already: a phase lists what is new in it"
                ));
            }
            self.options[at].push(position);
            self.options[at].sort_unstable();
        }
        let names: Vec<&str> = space.choices().iter().map(|choice| choice.name()).collect();
        match found {
            true => Ok(()),
            false => Err(format!("the space has no choice `{name}`: expected one of {}", names.join(", "))),
        }
    }

    /// The largest and the smallest network.
    pub(crate) fn corner(&self, space: &Space, largest: bool) -> Result<Genome, Error> {
        let end = |options: &Vec<u8>| match largest {
            true => options.last().copied().unwrap_or(0),
            false => options.first().copied().unwrap_or(0),
        };
        Ok(space.genome(&self.options.iter().map(end).collect::<Vec<_>>())?)
    }

    /// A network: each choice is drawn by itself, uniformly.
    pub fn sample(&self, space: &Space, rng: &mut Rng) -> Result<Genome, Error> {
        let draw = |options: &Vec<u8>| options[rng.random_range(0..options.len())];
        Ok(space.genome(&self.options.iter().map(draw).collect::<Vec<_>>())?)
    }

    /// The same network in the resolution of this iteration, which all that learn from one
    /// batch share.
    pub(crate) fn at_resolution(
        &self,
        space: &Space,
        genome: Genome,
        seed: Seed,
        iteration: usize,
    ) -> Result<Genome, Error> {
        let Some(at) = resolution(space) else { return Ok(genome) };
        let mut rng = seed.stream(Stream::Subnets, iteration as u64);
        let mut positions = genome.positions().to_vec();
        positions[at] = self.options[at][rng.random_range(0..self.options[at].len())];
        Ok(space.genome(&positions)?)
    }

    /// The largest network, in the resolution of another.
    pub(crate) fn like(&self, space: &Space, genome: &Genome) -> Result<Genome, Error> {
        let largest = self.corner(space, true)?;
        let Some(at) = resolution(space) else { return Ok(largest) };
        let mut positions = largest.positions().to_vec();
        positions[at] = genome.positions()[at];
        Ok(space.genome(&positions)?)
    }

    /// Whether layers have the same widths in these networks and in others.
    ///
    /// # Errors
    /// If a network cannot be built.
    pub fn same_widths(&self, other: &Self, family: &Family) -> Result<bool, Error> {
        Ok(self.widths(family)? == other.widths(family)?)
    }

    /// The numbers of outputs that each layer has in these networks: those of one option at a
    /// time, the others being the largest.
    pub(crate) fn widths(&self, family: &Family) -> Result<BTreeMap<String, BTreeSet<usize>>, Error> {
        let space = family.space();
        let largest = family.largest();
        let mut genomes = vec![largest.clone()];
        for (at, options) in self.options.iter().enumerate() {
            for option in options {
                let mut positions = largest.positions().to_vec();
                positions[at] = *option;
                genomes.push(space.genome(&positions)?);
            }
        }
        let mut widths: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for genome in genomes {
            for node in family.graph(&genome)?.nodes() {
                let outputs = match node.op {
                    Op::Conv(conv) => conv.outputs,
                    Op::Linear { outputs, .. } => outputs,
                    _ => continue,
                };
                widths.entry(node.name.clone()).or_default().insert(outputs);
            }
        }
        Ok(widths)
    }
}

fn resolution(space: &Space) -> Option<usize> {
    space.choices().iter().position(|choice| choice.name() == RESOLUTION)
}
