//! Images whose channels come last in a file.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Dims, Entry, Grid, Node, Op, Pad, Ranked, Slice};

use super::{
    settle::{needed, readers},
    value::Stored,
};
use crate::{Error, proto::Graph as Written};

/// The values that a transposition without a name reads: in files that are written here those whose channels come last in
/// the file alone. See [`crate::Options::channels_last`].
pub(super) fn turned_by_the_file(graph: Written<'_>) -> Result<BTreeSet<&str>, Error> {
    let mut found = BTreeSet::new();
    for node in graph.nodes() {
        let node = node?;
        if node.op == "Transpose" && node.name.is_empty() {
            found.extend(node.inputs.first());
        }
    }
    Ok(found)
}

/// A network in the making, with what its inputs are and where its values are rounded.
pub(super) struct Turning<'m, 'a> {
    pub(super) nodes: &'m mut Vec<Node>,
    pub(super) dims: &'m mut Vec<Dims>,
    pub(super) params: &'m mut BTreeMap<usize, Vec<(&'static str, Stored<'a>)>>,
    pub(super) entries: &'m mut [Entry],
    pub(super) ends: &'m mut [usize],
    pub(super) grids: &'m BTreeMap<usize, Grid>,
}

/// What was moved.
#[derive(Default)]
pub(super) struct Turned {
    /// The names of the inputs whose channels come first now.
    pub(super) inputs: BTreeSet<String>,
    /// The nodes that bring channels to the end again, and those before which they stand.
    pub(super) back: BTreeMap<usize, usize>,
}

/// What an input with its channels last goes through until they come first, or until their place is of no account.
#[derive(Default)]
struct Region {
    /// The nodes whose channels come last, with what does the same where they come first.
    within: BTreeMap<usize, Op>,
    /// The constants that these read, as they are broadcast where channels come first.
    constants: BTreeMap<usize, Dims>,
    /// What brings the channels to the front.
    turns: Vec<usize>,
    /// What reads the values in their order.
    in_order: Vec<usize>,
}

impl Turning<'_, '_> {
    /// Moves the channels of inputs to the front that have them at the end, and takes out what brings them there: also
    /// behind the scaling and padding of values, as networks begin that take images as they are stored. What reads all
    /// values in their order, such as a flattening, gets the channels at the end again.
    ///
    /// If some inputs are named, it is these alone, of which nothing but such transpositions reads.
    pub(super) fn move_to_front(mut self, among: Option<&BTreeSet<&str>>) -> Turned {
        let readers_of = readers(self.nodes, &needed(self.nodes, self.ends));
        let inputs: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].op == Op::Input).collect();
        let mut turned = Turned::default();
        for (entry, at) in inputs.into_iter().enumerate() {
            let is_asked = among.is_none_or(|among| among.contains(self.entries[entry].name.as_str()));
            let Some(region) = self.region(at, &readers_of).filter(|_| is_asked) else { continue };
            let is_direct = region.within.len() == 1 && region.in_order.is_empty();
            if self.entries[entry].integers || (among.is_some() && !is_direct) {
                continue;
            }
            turned.back.extend(self.apply(region));
            self.entries[entry].dims = self.dims[at];
            turned.inputs.insert(self.entries[entry].name.clone());
        }
        turned
    }

    /// What an input goes through, if all of it can be moved.
    fn region(&self, input: usize, readers_of: &[Vec<usize>]) -> Option<Region> {
        let mut region = Region { within: [(input, Op::Input)].into(), ..Region::default() };
        // What is read lies in front of its readers, so the first that is left has all its inputs.
        let mut todo: BTreeSet<usize> = readers_of[input].iter().copied().collect();
        while let Some(at) = todo.pop_first() {
            let Node { op, inputs, .. } = &self.nodes[at];
            if brings_to_front(op, &self.dims[inputs[0]], &self.dims[at]) {
                region.turns.push(at);
            } else if matches!(op, Op::Flatten | Op::Reshape(_) | Op::Linear { places: false, .. }) {
                region.in_order.push(at);
            } else {
                let op = self.in_front(at, &mut region)?;
                region.within.insert(at, op);
                todo.extend(&readers_of[at]);
            }
        }
        let Region { within, constants, turns, in_order } = &region;
        let is_meant = !turns.is_empty() && in_order.is_empty() || are_photos(&self.dims[input]);
        // What is rounded twice stays as it is, and so does a constant of which others know the order.
        let stays = within.keys().any(|at| self.ends.contains(at))
            || turns.iter().any(|turn| self.grids.contains_key(turn))
            || constants.keys().any(|constant| {
                self.ends.contains(constant)
                    || !readers_of[*constant].iter().all(|reader| within.contains_key(reader))
            });
        (is_meant && !stays).then_some(region)
    }

    /// The operation that does where channels come first what this node does where they come last.
    fn in_front(&self, at: usize, region: &mut Region) -> Option<Op> {
        let Node { op, inputs, .. } = &self.nodes[at];
        let found = match *op {
            Op::Activation(_) | Op::Unary(_) | Op::Add | Op::Binary(_) => *op,
            Op::Pad(Pad { before, after, with }) => {
                Op::Pad(Pad { before: ranked_in_front(&before)?, after: ranked_in_front(&after)?, with })
            }
            Op::Slice(slice) => Op::Slice(Slice { axis: *LAST.get(slice.axis)?, ..slice }),
            Op::Concat { axis } => Op::Concat { axis: *LAST.get(axis)? },
            _ => return None,
        };
        for input in inputs.iter().filter(|input| !region.within.contains_key(input)) {
            let is_broadcast = matches!(op, Op::Add | Op::Binary(_));
            if !is_broadcast || !matches!(self.nodes[*input].op, Op::Constant { .. }) {
                return None;
            }
            region.constants.insert(*input, constant_in_front(&self.dims[*input])?);
        }
        Some(found)
    }

    /// Moves what a region says. The nodes that bring channels to the end again, and those before which they stand.
    fn apply(&mut self, region: Region) -> BTreeMap<usize, usize> {
        let Region { within, constants, turns, in_order } = region;
        let mut back = BTreeMap::new();
        for at in in_order {
            let before = self.nodes[at].inputs[0];
            let dims = self.dims[before];
            // A single channel has no order.
            if let (Some(order), false) = (Ranked::new(&LAST), dims.sizes().ends_with(&[1])) {
                let op = Op::Transpose { order };
                self.nodes.push(Node { name: op.kind().into(), op, inputs: vec![before] });
                self.dims.push(dims);
                self.nodes[at].inputs[0] = self.nodes.len() - 1;
                back.insert(self.nodes.len() - 1, at);
            }
        }
        for turn in turns {
            let instead = self.nodes[turn].inputs[0];
            let inputs = self.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut());
            let read = inputs.chain(self.ends.iter_mut()).filter(|from| **from == turn);
            read.for_each(|from| *from = instead);
        }
        for (at, op) in within {
            self.nodes[at].op = op;
            self.dims[at] = in_front(&self.dims[at]).unwrap_or(self.dims[at]);
        }
        for (at, dims) in constants {
            if let Op::Constant { learnt, .. } = self.nodes[at].op {
                self.nodes[at].op = Op::Constant { dims, learnt };
            }
            self.dims[at] = dims;
            for (_, stored) in self.params.get_mut(&at).into_iter().flatten() {
                *stored = stored.viewed(dims.sizes().to_vec()).unwrap_or_else(|| stored.clone());
            }
        }
        back
    }
}

/// Which dimension of `[N, C, H, W]` each one of `[N, H, W, C]` is.
const LAST: [usize; 4] = [0, 2, 3, 1];

/// `[n, c, h, w]` of `[n, h, w, c]`.
fn in_front(dims: &Dims) -> Option<Dims> {
    let &[n, h, w, c] = dims.sizes() else { return None };
    Dims::with_batch(&[n, c, h, w], dims.batch()?)
}

fn ranked_in_front(of: &[usize]) -> Option<Ranked<usize>> {
    let &[n, h, w, c] = of else { return None };
    Ranked::new(&[n, c, h, w])
}

/// The dimensions of a constant that is broadcast with `[n, c, h, w]` as this one is with `[n, h, w, c]`, if its values
/// keep their order: those of the channels, or of another single dimension.
fn constant_in_front(dims: &Dims) -> Option<Dims> {
    if dims.values() == 1 && dims.rank() <= 4 {
        return Some(*dims);
    }
    let missing = 4usize.checked_sub(dims.rank())?;
    let size = |at: usize| at.checked_sub(missing).map_or(1, |at| dims.sizes()[at]);
    let [n, h, w, c] = [0, 1, 2, 3].map(size);
    let in_order = [h, w, c].into_iter().filter(|size| 1 < *size).count() == 1;
    Dims::fixed(&[c, h, w]).filter(|_| in_order && n == 1)
}

/// Whether these are images with one channel or three at the end, and no others with these in front.
fn are_photos(dims: &Dims) -> bool {
    matches!(*dims.sizes(), [_, h, w, 1 | 3] if 1 < w && !matches!(h, 1 | 3)) && dims.batch() == Some(0)
}

/// Whether an operation makes `[N, C, H, W]` of `[N, H, W, C]`.
fn brings_to_front(op: &Op, from: &Dims, to: &Dims) -> bool {
    let &[n, h, w, c] = from.sizes() else { return false };
    let is_moved = match op {
        Op::Transpose { order } => order.iter().copied().eq([0, 3, 1, 2]),
        // A single channel has no order.
        Op::Reshape(_) => c == 1 && from != to,
        _ => false,
    };
    is_moved && [from.batch(), to.batch()] == [Some(0); 2] && *to.sizes() == [n, c, h, w]
}
