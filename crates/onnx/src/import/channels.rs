//! Images whose channels come last in a file.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Dims, Entry, Grid, Node, Op};

use super::settle::{needed, readers};
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
pub(super) struct Turning<'m> {
    pub(super) nodes: &'m mut [Node],
    pub(super) dims: &'m mut [Dims],
    pub(super) entries: &'m mut [Entry],
    pub(super) ends: &'m mut [usize],
    pub(super) grids: &'m BTreeMap<usize, Grid>,
}

impl Turning<'_> {
    /// Takes out what brings the channels of an input to the front, where nothing else reads that, and it is one of these
    /// if some are named: the network's input has them there. The names of such inputs.
    pub(super) fn move_to_front(self, among: Option<&BTreeSet<&str>>) -> BTreeSet<String> {
        let Self { nodes, dims, entries, ends, grids } = self;
        let readers_of = readers(nodes, &needed(nodes, ends));
        let inputs: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].op == Op::Input).collect();
        let mut found = BTreeSet::new();
        for (entry, at) in entries.iter_mut().zip(inputs) {
            let &[turn] = &readers_of[at][..] else { continue };
            let is_asked = among.is_none_or(|among| among.contains(entry.name.as_str()));
            // What is rounded twice stays as it is.
            let stays = entry.integers || ends.contains(&at) || grids.contains_key(&turn);
            if !is_asked || stays || !brings_to_front(&nodes[turn].op, &dims[at], &dims[turn]) {
                continue;
            }
            entry.dims = dims[turn];
            dims[at] = dims[turn];
            let read = nodes.iter_mut().flat_map(|node| node.inputs.iter_mut()).chain(ends.iter_mut());
            read.filter(|from| **from == turn).for_each(|from| *from = at);
            found.insert(entry.name.clone());
        }
        found
    }
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
