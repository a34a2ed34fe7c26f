//! What layers are once channels have left.

use sapwood_graph::{ConvSpec, Dims, Graph, Groups, Node, Op, Pad, Ranked, Slice};

use crate::{Error, Removal};

/// The network without the channels that leave.
pub(crate) fn graph(graph: &Graph, groups: &Groups, removal: &Removal) -> Result<Graph, Error> {
    let counts = Counts { groups, removal };
    let nodes = graph.nodes().iter().enumerate().map(|(id, node)| Node {
        name: node.name.clone(),
        op: counts.op(id, node),
        inputs: node.inputs.clone(),
    });
    Ok(Graph::of_parts(nodes.collect(), graph.entries().to_vec(), graph.ends().to_vec())?)
}

/// How many places of dimensions stay.
struct Counts<'a> {
    groups: &'a Groups,
    removal: &'a Removal,
}

impl Counts<'_> {
    /// Of a dimension of a node's output; what it was where nothing can leave it.
    fn at(&self, node: usize, dim: usize, before: usize) -> usize {
        self.groups.at(node, dim).map_or(before, |slots| self.removal.kept(slots).len())
    }

    /// Of the values that a layer's weight reads.
    fn read(&self, node: usize, before: usize) -> usize {
        let name = |path: &str| path.ends_with(".weight");
        let mut axes = self.groups.axes().iter();
        let axis = axes.find(|axis| axis.node == node && axis.axis == 1 && name(axis.path.as_str()));
        axis.map_or(before, |axis| self.removal.kept(&axis.slots).len())
    }

    fn dims(&self, node: usize, before: &Dims) -> Dims {
        let sizes: Vec<usize> =
            before.sizes().iter().enumerate().map(|(dim, size)| self.at(node, dim, *size)).collect();
        Dims::of(&sizes, before.batch()).unwrap_or(*before)
    }

    fn op(&self, id: usize, node: &Node) -> Op {
        let input = node.inputs.first().copied().unwrap_or(id);
        let channels = |before: usize| self.at(id, 1, before);
        match node.op {
            Op::Conv(spec) => {
                let inputs = self.at(input, 1, spec.inputs);
                // With a channel to each group the groups leave with them.
                let alone = 1 < spec.groups && spec.inputs == spec.groups;
                let groups = if alone { inputs } else { spec.groups };
                Op::Conv(ConvSpec { inputs, outputs: channels(spec.outputs), groups, ..spec })
            }
            Op::Linear { inputs, outputs, bias, places } => {
                let last = (0..sapwood_graph::MOST_DIMENSIONS).rev();
                let found = last.filter_map(|dim| self.groups.at(id, dim)).next();
                Op::Linear {
                    inputs: self.read(id, inputs),
                    outputs: found.map_or(outputs, |slots| self.removal.kept(slots).len()),
                    bias,
                    places,
                }
            }
            Op::BatchNorm { channels: before, epsilon, momentum } => {
                Op::BatchNorm { channels: channels(before), epsilon, momentum }
            }
            Op::GroupNorm { groups, channels: before, epsilon } => {
                let after = channels(before);
                let groups = if groups == before { after } else { groups };
                Op::GroupNorm { groups, channels: after, epsilon }
            }
            Op::Prelu { channels: before } if 1 < before => Op::Prelu { channels: channels(before) },
            Op::Position([c, h, w]) => Op::Position([channels(c), h, w]),
            Op::Constant { dims, learnt } => Op::Constant { dims: self.dims(id, &dims), learnt },
            Op::Embedding { entries, width } => {
                let rank =
                    (0..sapwood_graph::MOST_DIMENSIONS).rev().find(|dim| self.groups.at(id, *dim).is_some());
                Op::Embedding { entries, width: rank.map_or(width, |dim| self.at(id, dim, width)) }
            }
            Op::Attention { heads } => match self.groups.at(id, 1) {
                Some(slots) => {
                    let width = (slots.len() / heads).max(1);
                    Op::Attention { heads: self.removal.kept(slots).len() / width }
                }
                None => node.op,
            },
            Op::Reshape(to) => Op::Reshape(self.dims(id, &to)),
            Op::Expand(to) => Op::Expand(self.dims(id, &to)),
            Op::Slice(slice) => match self.groups.at(input, slice.axis) {
                Some(slots) if slice.step == 1 => {
                    let stay = |slots: &[_]| self.removal.kept(slots).len();
                    let end = slice.start + slice.length;
                    let (start, length) = (stay(&slots[..slice.start]), stay(&slots[slice.start..end]));
                    Op::Slice(Slice { start, length, ..slice })
                }
                _ => node.op,
            },
            Op::Pad(pad) => Op::Pad(self.pad(id, pad)),
            Op::Subsample { stride, channels: before } => {
                Op::Subsample { stride, channels: channels(before) }
            }
            op => op,
        }
    }

    fn pad(&self, id: usize, pad: Pad) -> Pad {
        let stay = |dim: usize, before: usize, first: bool| match self.groups.at(id, dim) {
            Some(slots) => {
                let part = if first { &slots[..before] } else { &slots[slots.len() - before..] };
                self.removal.kept(part).len()
            }
            None => before,
        };
        let all = |list: &[usize], first: bool| -> Vec<usize> {
            list.iter().enumerate().map(|(dim, before)| stay(dim, *before, first)).collect()
        };
        let (before, after) = (all(&pad.before, true), all(&pad.after, false));
        Pad {
            before: Ranked::new(&before).unwrap_or(pad.before),
            after: Ranked::new(&after).unwrap_or(pad.after),
            with: pad.with,
        }
    }
}
