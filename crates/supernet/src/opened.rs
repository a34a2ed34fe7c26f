//! The part of a space that is trained.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::{Graph, Op};
use sapwood_search::{Choice, Genome, Space};

use crate::{
    Error, Family,
    family::{resolution, with_resolution_of},
};

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
        let open = resolution(space);
        let options = space.choices().iter().enumerate().map(|(at, choice)| match last(choice) {
            last if Some(at) == open => (0..=last).collect(),
            last => vec![last],
        });
        Self { options: options.collect() }
    }

    /// The whole space.
    pub fn all(space: &Space) -> Self {
        let options = space.choices().iter().map(|choice| (0..=last(choice)).collect());
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
    ///
    /// # Errors
    /// A space that does not have the network that was drawn: one of other choices, or of [other genomes
    /// only](Space::only).
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
    ///
    /// # Errors
    /// A genome of another space.
    pub fn like(&self, space: &Space, genome: &Genome) -> Result<Genome, Error> {
        with_resolution_of(space, &self.corner(space, true)?, genome)
    }

    /// Whether layers have the same widths in these networks and in others.
    ///
    /// # Errors
    /// What was opened of another space; a network that cannot be built.
    pub fn same_widths(&self, other: &Self, family: &Family) -> Result<bool, Error> {
        Ok(self.widths(family)? == other.widths(family)?)
    }

    /// The numbers of outputs that each layer has in these networks.
    pub(crate) fn widths(&self, family: &Family) -> Result<Widths, Error> {
        let mut widths = Widths::new();
        for graph in self.variants(family)? {
            note(&graph, &mut widths);
        }
        Ok(widths)
    }

    /// The layers of the largest network, and of those in which one choice is another, or two
    /// that change one layer: the channels within a bottleneck depend on the width that leaves it
    /// and on its own ratio.
    pub(crate) fn variants(&self, family: &Family) -> Result<Vec<Graph>, Error> {
        // What was opened of another space is refused.
        self.corner(family.space(), true)?;
        let largest = family.largest();
        let graph = |changes: &[(usize, u8)]| {
            let mut positions = largest.positions().to_vec();
            changes.iter().for_each(|(at, option)| positions[*at] = *option);
            family.graph(&family.space().genome(&positions)?)
        };
        let whole = graph(&[])?;
        let mut found = vec![whole.clone()];
        // For each choice the layers whose width it changes.
        let mut changed: Vec<BTreeSet<String>> = vec![BTreeSet::new(); self.options.len()];
        for (at, options) in self.options.iter().enumerate() {
            for option in options {
                let graph = graph(&[(at, *option)])?;
                changed[at].extend(other_widths(&graph, &whole));
                found.push(graph);
            }
        }
        for (at, options) in self.options.iter().enumerate() {
            for (other, others) in self.options.iter().enumerate().skip(at + 1) {
                if changed[at].is_disjoint(&changed[other]) {
                    continue;
                }
                for (option, other_option) in options.iter().flat_map(|a| others.iter().map(move |b| (a, b)))
                {
                    found.push(graph(&[(at, *option), (other, *other_option)])?);
                }
            }
        }
        Ok(found)
    }
}

/// For each layer the numbers of outputs that it can have.
type Widths = BTreeMap<String, BTreeSet<usize>>;

fn outputs(graph: &Graph) -> impl Iterator<Item = (&String, usize)> {
    graph.nodes().iter().filter_map(|node| match node.op {
        Op::Conv(conv) => Some((&node.name, conv.outputs)),
        Op::Linear { outputs, .. } => Some((&node.name, outputs)),
        _ => None,
    })
}

fn note(graph: &Graph, widths: &mut Widths) {
    for (layer, outputs) in outputs(graph) {
        widths.entry(layer.clone()).or_default().insert(outputs);
    }
}

/// The layers that have another width than in the whole network.
fn other_widths(graph: &Graph, whole: &Graph) -> Vec<String> {
    let whole: BTreeMap<&String, usize> = outputs(whole).collect();
    let other = outputs(graph).filter(|(layer, outputs)| whole.get(layer) != Some(outputs));
    other.map(|(layer, _)| layer.clone()).collect()
}

/// The position of a choice's last option.
fn last(choice: &Choice) -> u8 {
    // There are 1 to 256.
    (choice.options().len() - 1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family;

    /// The channels within ResNet-50D's bottlenecks are a fraction of a width: with ratios 0.25 and
    /// 0.35 and widths 0.8 and 1.0 trained, 0.25 of 0.8 of 256 channels was trained as well.
    #[test]
    fn widths_that_two_choices_make_together_are_known() {
        let family = family("ofa-resnet50d", None, None).unwrap();
        let mut opened = Opened::largest(family.space());
        for (list, option) in [("w", "0.8"), ("e", "0.25")] {
            opened.open(family.space(), list, option).unwrap();
        }
        let widths = opened.widths(&family).unwrap();
        assert_eq!(widths["blocks.0.conv1.conv"], BTreeSet::from([56, 64, 72, 88]));
    }

    #[test]
    fn what_belongs_to_another_space_is_refused() {
        let [small, other] = ["resnet-tiny-image", "mlp"].map(|name| family(name, None, None).unwrap());
        let opened = Opened::largest(other.space());
        assert!(opened.widths(&small).is_err() && Opened::all(small.space()).widths(&other).is_err());
        let genome = other.largest();
        assert!(opened.like(small.space(), &genome).is_err());
        assert!(Opened::largest(small.space()).like(small.space(), &genome).is_err());
        assert!(small.at_full_resolution(&genome).is_err());
    }
}
