//! Networks nested in one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use sapwood_core::{ConvSpec, Graph, Op};
use sapwood_search::{Genome, Space};

use crate::{Chosen, Error};

type Build = dyn Fn(&Chosen<'_>) -> Result<Graph, Error> + Send + Sync;

/// A search space, and for each of its genomes a network that is nested in the largest one.
///
/// Nested means: a layer has the same name in all of them, and its parameters are a corner of
/// the largest network's, the first channels and the middle of the kernel. Nothing else has to
/// be said about what is elastic; it follows from comparing layers.
///
/// Options stand in ascending order, so that the last one of every choice is the largest
/// network.
#[derive(Clone)]
pub struct Family {
    shared: Arc<Shared>,
    matrices: bool,
}

struct Shared {
    space: Space,
    build: Box<Build>,
    largest: Genome,
    smallest: Genome,
    whole: Graph,
    elastic: BTreeMap<String, Sizes>,
}

/// What a convolution or linear layer can be cut to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Its numbers of outputs.
    pub(crate) outputs: BTreeSet<usize>,
    /// Its kernel sizes.
    pub(crate) kernels: BTreeSet<usize>,
}

impl Family {
    /// A family. `build` writes down the layers of one genome.
    ///
    /// # Errors
    /// If a network cannot be built, takes or gives something else than the largest one, or is not
    /// nested in it: tried for each option of each choice, the others being the largest.
    ///
    /// # Example
    /// ```
    /// use sapwood_core::Graph;
    /// use sapwood_search::{Choice, Space};
    /// use sapwood_supernet::Family;
    ///
    /// let space = Space::new("two-layers", vec![Choice::new("hidden", ["25", "50", "100"])])?;
    /// let family = Family::new(space, |chosen| {
    ///     let mut g = Graph::builder([1, 8, 8]);
    ///     let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
    ///     let x = g.relu(x);
    ///     g.linear("fc2", x, 10);
    ///     Ok(g.finish()?)
    /// })?;
    /// let params = |genome: &sapwood_search::Genome| family.graph(genome).unwrap().anatomy([1, 8, 8]).unwrap().params();
    /// assert_eq!(params(&family.largest()), 64 * 100 + 100 + 100 * 10 + 10);
    /// assert_eq!(params(&family.smallest()), 64 * 25 + 25 + 25 * 10 + 10);
    /// # Ok::<(), sapwood_supernet::Error>(())
    /// ```
    pub fn new(
        space: Space,
        build: impl Fn(&Chosen<'_>) -> Result<Graph, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let build: Box<Build> = Box::new(build);
        let (largest, smallest) = (last(&space)?, space.genome(&vec![0; space.choices().len()])?);
        let whole = build(&Chosen::new(&space, &largest))?;
        let mut shared = Shared { space, build, largest, smallest, whole, elastic: BTreeMap::new() };
        for genome in one_smaller(&shared.space)? {
            shared.observe(&genome)?;
        }
        Ok(Self { shared: Arc::new(shared), matrices: false })
    }

    /// The same family, where a smaller kernel is a learnt linear function of the next larger
    /// one, one matrix for all channels of a layer (Cai et al. 2020, section 3.3).
    #[must_use]
    pub fn with_kernel_matrices(self) -> Self {
        Self { matrices: true, ..self }
    }

    /// The choices.
    pub fn space(&self) -> &Space {
        &self.shared.space
    }

    /// Its name, which is the space's.
    pub fn name(&self) -> &str {
        self.shared.space.name()
    }

    /// The layers of a sub-network, under the names that they have in the largest one. All take
    /// the same images; one of a smaller resolution begins with a resizing.
    ///
    /// # Errors
    /// A genome that is not of the space, or that the family cannot build.
    pub fn graph(&self, genome: &Genome) -> Result<Graph, Error> {
        self.shared.space.check(genome)?;
        (self.shared.build)(&Chosen::new(&self.shared.space, genome))
    }

    /// The layers of the largest network.
    pub fn whole(&self) -> &Graph {
        &self.shared.whole
    }

    /// The genome in which every choice takes its last option.
    pub fn largest(&self) -> Genome {
        self.shared.largest.clone()
    }

    /// The genome in which every choice takes its first option.
    pub fn smallest(&self) -> Genome {
        self.shared.smallest.clone()
    }

    /// The same network for images in full resolution.
    ///
    /// # Errors
    /// A genome of another space.
    pub fn at_full_resolution(&self, genome: &Genome) -> Result<Genome, Error> {
        with_resolution_of(&self.shared.space, genome, &self.shared.largest)
    }

    /// Where the space has the resolution of the images, if it has one: its choice `r`.
    pub fn resolution(&self) -> Option<usize> {
        resolution(self.space())
    }

    /// What each layer can be cut to.
    pub(crate) fn elastic(&self) -> &BTreeMap<String, Sizes> {
        &self.shared.elastic
    }

    /// The kernel sizes of a layer between which there are matrices, in descending order; one
    /// or none where it has no matrices.
    pub(crate) fn kernel_chain(&self, layer: &str) -> Vec<usize> {
        let sizes = self.shared.elastic.get(layer).filter(|_| self.matrices);
        sizes.map(|sizes| sizes.kernels.iter().rev().copied().collect()).unwrap_or_default()
    }
}

impl Shared {
    /// Notes what a genome's layers are cut to.
    fn observe(&mut self, genome: &Genome) -> Result<(), Error> {
        let graph = (self.build)(&Chosen::new(&self.space, genome))?;
        if graph.entries() != self.whole.entries() || graph.outputs()? != self.whole.outputs()? {
            let problem = format!(
                "{} takes other inputs than the largest, or gives another number of outputs: let both be the same in all networks",
                self.space.text(genome)
            );
            return Err(Error::Family { family: self.space.name().into(), problem });
        }
        let whole: BTreeMap<&str, Op> =
            self.whole.nodes().iter().map(|node| (node.name.as_str(), node.op)).collect();
        for node in graph.nodes().iter().filter(|node| node.op.has_parameters()) {
            let Some(op) = whole.get(node.name.as_str()) else {
                let problem =
                    format!("layer `{}` of {} is not in the largest", node.name, self.space.text(genome));
                return Err(Error::Family { family: self.space.name().into(), problem });
            };
            if !is_corner(node.op, *op) {
                let how = match (node.op, *op) {
                    (Op::Constant { .. }, _) | (_, Op::Constant { .. }) => {
                        "a constant is not elastic: let it be the same in all networks"
                    }
                    _ => "let options ascend, and change numbers of channels and square kernels alone",
                };
                let problem = format!(
                    "layer `{}` of {} is no part of the largest network's ({:?}, {op:?}): {how}",
                    node.name,
                    self.space.text(genome),
                    node.op
                );
                return Err(Error::Family { family: self.space.name().into(), problem });
            }
            let sizes = self.elastic.entry(node.name.clone()).or_default();
            match node.op {
                Op::Conv(conv) => {
                    sizes.outputs.insert(conv.outputs);
                    sizes.kernels.insert(conv.kernel.h);
                }
                Op::Linear { outputs, .. } => drop(sizes.outputs.insert(outputs)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a layer can be cut from another.
fn is_corner(part: Op, whole: Op) -> bool {
    match (part, whole) {
        (part, whole) if part == whole => true,
        (Op::Conv(part), Op::Conv(whole)) => {
            part.outputs <= whole.outputs
                && part.inputs / part.groups <= whole.inputs / whole.groups
                && is_middle(part, whole)
                && part.bias == whole.bias
        }
        (
            Op::Linear { inputs, outputs, bias, places },
            Op::Linear { inputs: all, outputs: most, bias: with, places: at },
        ) => inputs <= all && outputs <= most && (bias, places) == (with, at),
        (Op::BatchNorm { channels, .. }, Op::BatchNorm { channels: all, .. })
        | (Op::LayerNorm { channels, .. }, Op::LayerNorm { channels: all, .. })
        | (Op::GroupNorm { channels, .. }, Op::GroupNorm { channels: all, .. })
        | (Op::Prelu { channels }, Op::Prelu { channels: all }) => channels <= all,
        (Op::Embedding { entries, width }, Op::Embedding { entries: all, width: most }) => {
            entries <= all && width <= most
        }
        (Op::Position([c, h, w]), Op::Position([all, height, width])) => {
            c <= all && [h, w] == [height, width]
        }
        _ => false,
    }
}

/// Whether a kernel is another, or a square one the middle of it.
fn is_middle(part: ConvSpec, whole: ConvSpec) -> bool {
    match (part.plain(), whole.plain()) {
        (Some([part, ..]), Some([whole, ..])) => part <= whole && (whole - part).is_multiple_of(2),
        _ => {
            let but_channels = |conv: ConvSpec| ConvSpec { inputs: 0, outputs: 0, groups: 0, ..conv };
            but_channels(part) == but_channels(whole)
        }
    }
}

/// Where the space has the resolution of the images, if it has one: its choice `r`.
pub(crate) fn resolution(space: &Space) -> Option<usize> {
    space.choices().iter().position(|choice| choice.name() == "r")
}

/// The same network in the resolution of another.
pub(crate) fn with_resolution_of(space: &Space, genome: &Genome, other: &Genome) -> Result<Genome, Error> {
    space.check(genome)?;
    space.check(other)?;
    let mut positions = genome.positions().to_vec();
    if let Some(at) = resolution(space) {
        positions[at] = other.positions()[at];
    }
    Ok(space.genome(&positions)?)
}

fn last(space: &Space) -> Result<Genome, Error> {
    let positions: Vec<u8> =
        space.choices().iter().map(|choice| (choice.options().len() - 1) as u8).collect();
    Ok(space.genome(&positions)?)
}

/// For each option of each choice the genome that takes it and is else the largest.
fn one_smaller(space: &Space) -> Result<Vec<Genome>, Error> {
    let largest = last(space)?;
    let mut found = vec![largest.clone()];
    for (at, choice) in space.choices().iter().enumerate() {
        for option in 0..choice.options().len() - 1 {
            let mut positions = largest.positions().to_vec();
            positions[at] = option as u8;
            found.push(space.genome(&positions)?);
        }
    }
    Ok(found)
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::Dims;

    use super::*;

    #[test]
    fn a_layer_is_a_corner_of_itself_and_of_one_with_more_channels() {
        let table = |entries, width| Op::Embedding { entries, width };
        assert!(is_corner(table(4, 2), table(5, 3)) && !is_corner(table(4, 4), table(5, 3)));
        let token = |width| Op::Constant { dims: Dims::fixed(&[1, width]).unwrap(), learnt: true };
        assert!(is_corner(token(4), token(4)) && !is_corner(token(2), token(4)));
        let row = |outputs, width: usize| Op::Conv(ConvSpec::new(3, outputs, [1, width]));
        assert!(is_corner(row(2, 3), row(4, 3)) && !is_corner(row(5, 3), row(4, 3)));
        assert!(!is_corner(row(4, 3), row(4, 5)));
        let slopes = |channels| Op::Prelu { channels };
        assert!(is_corner(slopes(2), slopes(4)) && !is_corner(slopes(4), token(4)));
    }
}
