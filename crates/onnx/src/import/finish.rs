//! The network that a file is, once all of it was read.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Array, Graph, Node, Op, ParamPath, State};

use super::{
    channels::{Turned, Turning},
    making::Making,
    masks::{NOTHING, masks},
    rows::stay_apart,
    scaling::hold_still,
    settle::{needed, settle},
};
use crate::{Error, Integers, Note, Unsupported};

/// A network that was made.
pub(super) struct Made {
    pub(super) graph: Graph,
    pub(super) state: State,
    pub(super) integers: Option<Integers>,
    pub(super) channels_last: BTreeSet<String>,
    pub(super) notes: Vec<Note>,
}

impl Making<'_> {
    /// The network that ends with these nodes, of files of this number of bytes. Of its inputs only these have channels
    /// that come last in the file alone, if some are named.
    pub(super) fn finish(
        mut self,
        mut ends: Vec<usize>,
        bytes: usize,
        turned: Option<&BTreeSet<&str>>,
    ) -> Result<Made, Error> {
        let mut entries = std::mem::take(&mut self.entries);
        let all = needed(&self.nodes, &ends);
        stay_apart(&mut self.nodes, &mut self.dims, &all, &mut ends);
        let settled = settle(&mut self.nodes, &mut ends, &self.rounding.grids);
        let turning = Turning {
            nodes: &mut self.nodes,
            dims: &mut self.dims,
            params: &mut self.params,
            entries: &mut entries,
            ends: &mut ends,
            grids: &settled.grids,
        };
        let Turned { inputs: channels_last, back } = turning.move_to_front(turned);
        if !channels_last.is_empty() {
            self.note(Note::ChannelsLast);
        }
        let needed = needed(&self.nodes, &ends);
        // What is written here says itself what learns.
        if turned.is_none() {
            hold_still(&mut self.nodes, &self.dims, &needed);
        }
        let masks = self.masked(masks(&self.nodes, &needed, &ends))?;
        self.part_constants(&needed);
        let mut order: Vec<usize> = needed.iter().copied().collect();
        order.sort_by_key(|at| back.get(at).map_or((*at, 1), |behind| (*behind, 0)));
        let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let nodes = order.iter().map(|old| {
            let Node { name, op, inputs } = self.nodes[*old].clone();
            Node { name, op, inputs: inputs.iter().map(|input| place[input]).collect() }
        });
        let ends = ends.iter().map(|end| place[end]).collect();
        let graph = Graph::of_parts(nodes.collect(), entries, ends)?;
        let grids = settled.grids.into_iter().filter_map(|(at, grid)| Some((*place.get(&at)?, grid)));
        let mut integers = Integers { weights: BTreeMap::new(), grids: grids.collect() };
        let apart = settled.apart.iter().filter(|at| needed.contains(at)).map(|at| self.nodes[*at].inputs[0]);
        let apart: Vec<String> = apart.map(|at| self.nodes[at].name.clone()).collect();
        if !integers.grids.is_empty() {
            self.note(Note::Rounded);
        }
        if !apart.is_empty() {
            self.note(Note::Apart(apart));
        }
        let mut users: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, params) in self.params.iter().filter(|(old, _)| needed.contains(old)) {
            let shareable = params.iter().filter(|(_, stored)| stored.is_listed() && stored.len() > 1);
            shareable.for_each(|(_, stored)| *users.entry(stored.name).or_default() += 1);
        }
        let shared = users.into_iter().filter(|(_, users)| *users > 1).map(|(name, _)| name.to_string());
        let shared: Vec<String> = shared.collect();
        if !shared.is_empty() {
            self.note(Note::Shared(shared));
        }
        let single = |at: &&usize| matches!(self.nodes[**at].op, Op::Constant { dims, learnt: true } if dims.values() == 1);
        let single: Vec<String> =
            needed.iter().filter(single).map(|at| self.nodes[*at].name.clone()).collect();
        if !single.is_empty() {
            self.note(Note::Single(single));
        }
        self.check_shared(&needed, bytes)?;
        let mut state = State::default();
        for (old, params) in self.params.into_iter().filter(|(old, _)| needed.contains(old)) {
            for (suffix, stored) in params {
                let layer = &self.nodes[old].name;
                let path = if suffix.is_empty() { layer.clone() } else { format!("{layer}.{suffix}") };
                let quantized = match suffix {
                    "weight" if weighs(&self.nodes[old].op) => stored.quantized()?,
                    _ => None,
                };
                let value = match &quantized {
                    Some(quantized) => quantized.dequantized(),
                    None => {
                        let mut all = stored.floats()?;
                        if masks.contains(&old) {
                            all.iter_mut().filter(|x| **x == f32::NEG_INFINITY).for_each(|x| *x = NOTHING);
                        }
                        Array::new(stored.shape.clone(), all)?
                    }
                };
                integers
                    .weights
                    .extend(quantized.map(|quantized| (ParamPath::from(path.clone()), quantized)));
                if state.0.insert(ParamPath::from(path.clone()), value).is_some() {
                    return Err(Error::Format(format!("two of its parameters would be called `{path}`")));
                }
            }
        }
        let integers = Some(integers).filter(|found| !found.grids.is_empty() || !found.weights.is_empty());
        Ok(Made { graph, state, integers, channels_last, notes: self.notes })
    }
}

impl Making<'_> {
    /// Those of these constants that have minus infinities. They do not learn.
    fn masked(&mut self, constants: BTreeSet<usize>) -> Result<BTreeSet<usize>, Error> {
        let mut found = BTreeSet::new();
        for at in constants {
            let of = self.params.get(&at).and_then(|params| params.first());
            let all = of.map_or(Ok(Vec::new()), |(_, stored)| stored.floats())?;
            if all.contains(&f32::NEG_INFINITY) {
                if let Op::Constant { learnt, .. } = &mut self.nodes[at].op {
                    *learnt = false;
                }
                found.insert(at);
            }
        }
        if !found.is_empty() {
            self.note(Note::Masks);
        }
        Ok(found)
    }

    /// Refuses layers that share tensors until these, of which each layer gets its own, outgrow files of this number of
    /// bytes: what a network takes in memory is in proportion to them.
    fn check_shared(&self, needed: &BTreeSet<usize>, bytes: usize) -> Result<(), Error> {
        const USES: usize = 16;
        let mut left = bytes.saturating_mul(USES).saturating_add(1 << 23);
        let mut beyond = BTreeSet::new();
        for (at, params) in self.params.iter().filter(|(at, _)| needed.contains(at)) {
            let taken = params.iter().map(|(_, stored)| stored.least_bytes());
            match left.checked_sub(taken.fold(0, usize::saturating_add)) {
                Some(rest) => left = rest,
                None => {
                    beyond.insert(self.nodes[*at].name.clone());
                }
            }
        }
        if beyond.is_empty() {
            return Ok(());
        }
        let layers =
            format!("layers whose tensors take more than {USES} times the file, as where many share one");
        Err(Error::Unsupported(Unsupported { operations: [(layers, beyond)].into(), examples: None }))
    }

    /// Renames constants that are called like a layer's tensor, like the bias that a layer lacks and may get, or like a module
    /// with layers or tensors of its own: a name stands for one of both.
    fn part_constants(&mut self, needed: &BTreeSet<usize>) {
        let names = || needed.iter().map(|at| self.nodes[*at].name.as_str());
        let mut taken: BTreeSet<String> = names().map(String::from).collect();
        let of_layers = self.params.iter().filter(|(at, _)| needed.contains(at)).flat_map(|(at, params)| {
            let layer = &self.nodes[*at].name;
            let suffixes = params.iter().filter(|(suffix, _)| !suffix.is_empty());
            suffixes.map(move |(suffix, _)| format!("{layer}.{suffix}"))
        });
        let weighing = needed.iter().map(|at| &self.nodes[*at]).filter(|node| node.op.has_weights());
        let biases = weighing.map(|node| format!("{}.bias", node.name));
        let tensors: BTreeSet<String> = of_layers.chain(biases).collect();
        let modules: BTreeSet<String> = names()
            .flat_map(|name| name.match_indices('.').map(move |(end, _)| name[..end].to_string()))
            .collect();
        for at in needed {
            let node = &mut self.nodes[*at];
            if !matches!(node.op, Op::Constant { .. }) {
                continue;
            }
            let instead = match (modules.contains(&node.name), tensors.contains(&node.name)) {
                (true, _) => Some(format!("{}.constant", node.name)),
                (_, true) => Some(format!("{}_constant", node.name)),
                _ => None,
            };
            if let Some(mut name) = instead {
                while !taken.insert(name.clone()) {
                    name += "_";
                }
                node.name = name;
            }
        }
    }
}

/// Whether an operation has a weight that integers can stand for.
fn weighs(op: &Op) -> bool {
    matches!(op, Op::Conv(_) | Op::Linear { .. } | Op::Embedding { .. })
}
