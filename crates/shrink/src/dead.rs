//! Which channels a network can lose and give the same outputs.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Graph, Groups, Masks, Op, ParamAxis, Side, Slot, State};

use crate::{Constants, Error, Removal, sums::Sums};

/// Channels that nothing reads, or that are one number wherever they are read: zero, or another one that the biases
/// of what reads them can have in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dead {
    /// They leave.
    pub removal: Removal,
    /// Those whose filters are zero and that have to stay.
    pub kept: Vec<Kept>,
    /// By node what is added to the bias of each output.
    pub(crate) folds: BTreeMap<usize, Vec<f64>>,
}

/// A channel that stays, though all filters that make it are zero, or though its score was low enough to leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Which one it is.
    pub slot: Slot,
    /// Its group.
    pub group: String,
    /// Why: a clause about the channel.
    pub reason: String,
}

impl Dead {
    /// Looks at a network's values.
    pub fn of(graph: &Graph, groups: &Groups, state: &State) -> Self {
        let constants = Constants::of(graph, groups, state);
        let sums: BTreeMap<usize, Sums> =
            (0..graph.nodes().len()).filter_map(|node| Some((node, Sums::of(graph, node, state)?))).collect();
        let multiplied = multiplied(graph, groups);
        let seen = Seen { graph, groups, constants: &constants, sums: &sums, multiplied };
        let readers = seen.readers();
        let reads = |slot: &Slot| readers.get(slot).map_or(&[][..], Vec::as_slice);
        let mut removal = Removal::none(groups);
        // What is read by channels that leave alone is read by nobody.
        loop {
            let before = removal.units();
            for (at, group) in groups.iter().enumerate() {
                for unit in (0..group.units()).filter(|unit| group.is_free(*unit)) {
                    let slot = Slot { group: at as u32, unit: unit as u32 };
                    if !removal.has(slot) && seen.needed(slot, reads(&slot), &removal).is_none() {
                        removal.take(at, unit);
                    }
                }
            }
            if removal.units() == before {
                break;
            }
        }
        let mut found = Self { kept: Vec::new(), folds: BTreeMap::new(), removal };
        found.leave_one(groups);
        let made = seen.made(state);
        let makes = groups.axes().iter().filter(|axis| axis.side == Side::Makes);
        let makers: BTreeSet<Slot> = makes.flat_map(|axis| axis.slots.iter().copied()).collect();
        for (at, group) in groups.iter().enumerate() {
            for unit in 0..group.units() {
                let slot = Slot { group: at as u32, unit: unit as u32 };
                if !found.removal.has(slot) && makers.contains(&slot) && !made.contains(&slot) {
                    let reason =
                        group.stays[unit].clone().or_else(|| seen.needed(slot, reads(&slot), &found.removal));
                    let reason = reason.unwrap_or_else(|| "a layer would be empty without it".into());
                    found.kept.push(Kept { slot, group: group.name.clone(), reason });
                }
            }
        }
        found.folds = seen.folds(&readers, &found.removal);
        found
    }

    /// A layer of which all channels are dead keeps the first.
    fn leave_one(&mut self, groups: &Groups) {
        let mut stays = BTreeSet::new();
        for (at, group) in groups.iter().enumerate() {
            for floor in group.floors() {
                let slot = |unit: &u32| Slot { group: at as u32, unit: *unit };
                if floor.iter().all(|unit| self.removal.has(slot(unit)) && !stays.contains(&slot(unit))) {
                    stays.extend(floor.first().map(slot));
                }
            }
        }
        let mut removal = Removal::none(groups);
        for (at, group) in groups.iter().enumerate() {
            for unit in 0..group.units() {
                let slot = Slot { group: at as u32, unit: unit as u32 };
                if self.removal.has(slot) && !stays.contains(&slot) {
                    removal.take(at, unit);
                }
            }
        }
        self.removal = removal;
    }

    /// Refuses masks of which more is masked than what leaves, and what is kept for a reason.
    ///
    /// # Errors
    /// [`Error::Partial`] says how many more weights must go.
    pub fn check_whole(&self, groups: &Groups, masks: &Masks, state: &State) -> Result<(), Error> {
        let kept: BTreeSet<Slot> = self.kept.iter().map(|kept| kept.slot).collect();
        let whole = |slot: Slot| self.removal.has(slot) || kept.contains(&slot);
        let mut partly: BTreeMap<Slot, u64> = BTreeMap::new();
        for (path, mask) in masks {
            let Some(shape) = state.0.get(path).map(|value| value.shape().to_vec()) else { continue };
            let axes: Vec<&ParamAxis> = groups.axes().iter().filter(|axis| axis.path == *path).collect();
            let inner: Vec<usize> = axes.iter().map(|axis| shape[axis.axis + 1..].iter().product()).collect();
            let slots = |at: usize| {
                axes.iter().zip(&inner).map(move |(axis, inner)| axis.slots[at / inner % axis.slots.len()])
            };
            let mut touched = BTreeSet::new();
            for at in (0..mask.len()).filter(|at| !mask.get(*at)) {
                if !slots(at).any(whole) {
                    touched.extend(slots(at).next());
                }
            }
            for at in (0..mask.len()).filter(|at| mask.get(*at)) {
                if let Some(slot) = slots(at).next().filter(|slot| touched.contains(slot)) {
                    *partly.entry(slot).or_insert(0) += 1;
                }
            }
            touched.into_iter().for_each(|slot| {
                partly.entry(slot).or_insert(0);
            });
        }
        match partly.is_empty() {
            true => Ok(()),
            false => Err(Error::Partial {
                more: partly.values().sum(),
                channels: partly.len(),
                dead: self.removal.units(),
            }),
        }
    }
}

/// The channels that products of matrices add over, which are those of the last dimension of what stands first: the heads
/// of an attention are before that, each with a product of its own.
fn multiplied<'a>(graph: &'a Graph, groups: &Groups) -> BTreeMap<Slot, &'a str> {
    let dims = graph.dims().unwrap_or_default();
    let products = graph.nodes().iter().filter(|node| node.op == Op::MatMul);
    let over = products.filter_map(|node| {
        let last = dims.get(node.inputs[0])?.rank().checked_sub(1)?;
        Some(groups.at(node.inputs[0], last)?.iter().map(move |slot| (*slot, &node.name[..])))
    });
    over.flatten().collect()
}

/// A position at which a layer reads a channel.
#[derive(Clone, Copy)]
struct Read {
    node: usize,
    at: usize,
    /// What the channel is there at every place, if that is one number.
    constant: Option<f64>,
}

/// A network with all that is known of its values.
struct Seen<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    constants: &'a Constants,
    sums: &'a BTreeMap<usize, Sums>,
    /// The product of matrices that adds over a channel.
    multiplied: BTreeMap<Slot, &'a str>,
}

impl Seen<'_> {
    /// For each channel where layers read it, and its constant there.
    fn readers(&self) -> BTreeMap<Slot, Vec<Read>> {
        let mut found: BTreeMap<Slot, Vec<Read>> = BTreeMap::new();
        for axis in self.groups.axes().iter().filter(|axis| axis.side == Side::Reads) {
            let constants = self.constants.read(self.graph, axis.node);
            let sums = self.sums.get(&axis.node);
            let (groups, width) =
                sums.map_or((1, axis.slots.len()), |sums| (sums.groups(), sums.of_inputs()));
            // A grouped convolution names the positions of one group.
            let copies = if axis.slots.len() == width { groups } else { 1 };
            for (at, slot) in axis.slots.iter().enumerate() {
                for copy in 0..copies {
                    let at = copy * width + at;
                    let constant = constants.get(at).copied().flatten();
                    found.entry(*slot).or_default().push(Read { node: axis.node, at, constant });
                }
            }
        }
        found
    }

    /// Why a channel cannot leave without other outputs, if it cannot: a clause about it.
    fn needed(&self, slot: Slot, reads: &[Read], removal: &Removal) -> Option<String> {
        for Read { node, at, constant } in reads.iter().copied() {
            let name = &self.graph.nodes()[node].name;
            let Some(sums) = self.sums.get(&node) else { return Some(format!("`{name}` reads it")) };
            let used =
                sums.readers(at).any(|output| sums.uses(output, at) && !self.leaves(node, output, removal));
            match constant {
                _ if !used => {}
                Some(0.0) => {}
                Some(_) if sums.everywhere => {}
                Some(constant) => {
                    return Some(format!(
                        "it is {constant:.3} everywhere, and `{name}` sees zeros around that"
                    ));
                }
                None => return Some(format!("`{name}` reads it, and it is not the same everywhere")),
            }
        }
        self.multiplied.get(&slot).map(|name| format!("`{name}` adds over it"))
    }

    /// Whether an output of a layer leaves.
    fn leaves(&self, node: usize, output: usize, removal: &Removal) -> bool {
        let dim = match self.graph.nodes()[node].op {
            Op::Linear { .. } => {
                (0..sapwood_graph::MOST_DIMENSIONS).rev().find(|dim| self.groups.at(node, *dim).is_some())
            }
            _ => Some(1),
        };
        let slots = dim.and_then(|dim| self.groups.at(node, dim));
        slots.is_some_and(|slots| removal.has(slots[output]))
    }

    /// The channels of which a filter is not zero.
    fn made(&self, state: &State) -> BTreeSet<Slot> {
        let weights = |axis: &&ParamAxis| axis.side == Side::Makes && axis.path.as_str().ends_with(".weight");
        let mut found = BTreeSet::new();
        for axis in self.groups.axes().iter().filter(weights) {
            let Some(value) = state.0.get(&axis.path) else { continue };
            let inner: usize = value.shape()[axis.axis + 1..].iter().product();
            let mut nonzero = vec![false; axis.slots.len()];
            for (at, value) in value.iter::<f64>().enumerate() {
                nonzero[at / inner % axis.slots.len()] |= value != 0.0;
            }
            found.extend(
                axis.slots.iter().zip(nonzero).filter(|(_, nonzero)| *nonzero).map(|(slot, _)| *slot),
            );
        }
        found
    }

    /// What the constants of channels that leave add to the outputs of the layers that read them.
    fn folds(&self, readers: &BTreeMap<Slot, Vec<Read>>, removal: &Removal) -> BTreeMap<usize, Vec<f64>> {
        let mut found: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let leaving = readers.iter().filter(|(slot, _)| removal.has(**slot));
        for Read { node, at, constant } in leaving.flat_map(|(_, reads)| reads.iter().copied()) {
            let (Some(sums), Some(constant)) = (self.sums.get(&node), constant) else { continue };
            if constant == 0.0 || !sums.everywhere {
                continue;
            }
            for output in sums.readers(at).filter(|output| sums.uses(*output, at)) {
                let added = found.entry(node).or_default();
                let missing = (output + 1).saturating_sub(added.len());
                added.extend(std::iter::repeat_n(0.0, missing));
                added[output] += sums.adds(output, at, constant);
            }
        }
        found
    }
}
