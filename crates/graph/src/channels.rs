//! Which channels of a network go together.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Graph, Op};

/// A dimension of a layer's parameters that runs over a set of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The layer.
    pub layer: String,
    /// Whether the channels are what comes out of the layer, rather than what goes in.
    pub outputs: bool,
    /// How many values of the layer belong to a channel: more than one behind a flattening.
    pub stride: usize,
    /// Whether the layer only says how much of each channel passes (squeeze and excitation).
    pub gate: bool,
}

/// Channels that must be permuted together, as they come out of some layers and go into others.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// Every dimension that runs over them.
    pub axes: Vec<Axis>,
    /// Whether they are tied to others by more than their own layers: by an addition, by being
    /// the network's input or output, by positions or attention heads.
    pub tied: bool,
}

impl Channels {
    /// The sets of channels of networks that share their layers, in the order in which they
    /// arise. What one of the networks joins is joined: a layer that reads different ones in
    /// networks of different depth ties them all together.
    pub fn of<'a>(graphs: impl IntoIterator<Item = &'a Graph>) -> Vec<Self> {
        let mut sets = Sets::default();
        graphs.into_iter().for_each(|graph| sets.add(graph));
        sets.found.into_iter().filter(|set| !set.axes.is_empty()).collect()
    }
}

/// Sets that are joined as networks are looked at.
#[derive(Default)]
struct Sets {
    /// What a set has become a part of.
    parents: Vec<usize>,
    /// Those that are part of others are empty.
    found: Vec<Channels>,
    /// By layer and side, the set that they were first seen in.
    known: BTreeMap<(String, bool), usize>,
}

impl Sets {
    fn create(&mut self, tied: bool) -> usize {
        self.parents.push(self.parents.len());
        self.found.push(Channels { axes: Vec::new(), tied });
        self.parents.len() - 1
    }

    fn root(&self, mut set: usize) -> usize {
        while self.parents[set] != set {
            set = self.parents[set];
        }
        set
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        let (kept, gone) = (one.min(other), one.max(other));
        if kept != gone {
            let Channels { axes, tied } = std::mem::take(&mut self.found[gone]);
            self.found[kept].axes.extend(axes);
            self.found[kept].tied |= tied;
            self.parents[gone] = kept;
        }
    }

    fn tie(&mut self, set: usize) {
        let root = self.root(set);
        self.found[root].tied = true;
    }

    /// Puts a dimension into a set, or joins the set with the one in which it is.
    fn put(&mut self, set: usize, axis: Axis) {
        let key = (axis.layer.clone(), axis.outputs);
        match self.known.get(&key) {
            Some(known) => self.join(set, *known),
            None => {
                self.known.insert(key, set);
                let root = self.root(set);
                self.found[root].axes.push(axis);
            }
        }
    }

    fn add(&mut self, graph: &Graph) {
        let nodes = graph.nodes();
        let gates = gates(graph);
        let shapes = graph.shapes(graph.input()).unwrap_or_default();
        // For each node the set that its outputs belong to, and how many values a channel has.
        let mut sets: Vec<(usize, usize)> = Vec::with_capacity(nodes.len());
        for (id, node) in nodes.iter().enumerate() {
            let gate = gates.contains(&id);
            let axis = |outputs, stride| Axis { layer: node.name.clone(), outputs, stride, gate };
            let Some((from, stride)) = node.inputs.first().map(|input| sets[*input]) else {
                sets.push((self.create(true), 1));
                continue;
            };
            sets.push(match node.op {
                Op::Conv(conv) if conv.is_depthwise() && conv.transposed.is_none() => {
                    self.put(from, axis(true, 1));
                    (from, 1)
                }
                Op::Conv(conv) if conv.transposed.is_some() => {
                    // Its weight has its inputs first: whoever permutes or takes out channels does not know that.
                    self.tie(from);
                    let made = self.create(true);
                    self.put(made, axis(true, 1));
                    (made, 1)
                }
                Op::Linear { places: true, .. } => {
                    self.tie(from);
                    let made = self.create(true);
                    self.put(made, axis(true, 1));
                    (made, 1)
                }
                Op::Conv(_) | Op::Linear { .. } => {
                    let grouped = matches!(node.op, Op::Conv(conv) if conv.groups > 1);
                    let made = self.create(grouped);
                    self.put(made, axis(true, 1));
                    self.put(from, axis(false, stride));
                    if grouped {
                        self.tie(from);
                    }
                    (made, 1)
                }
                Op::BatchNorm { .. } | Op::LayerNorm { last: false, .. } => {
                    self.put(from, axis(true, stride));
                    (from, stride)
                }
                Op::Flatten => {
                    let [_, h, w] = shapes.get(node.inputs[0]).copied().unwrap_or([1, 1, 1]);
                    (from, stride * h * w)
                }
                Op::Scale => {
                    self.join(from, sets[node.inputs[1]].0);
                    (from, stride)
                }
                Op::Activation(_)
                | Op::Unary(_)
                | Op::MaxPool(_)
                | Op::AvgPool(_)
                | Op::Resize(_)
                | Op::Wrap { .. }
                | Op::GlobalAvgPool => (from, stride),
                _ => {
                    node.inputs.iter().for_each(|input| self.tie(sets[*input].0));
                    (self.create(true), 1)
                }
            });
        }
        for end in graph.ends() {
            self.tie(sets[*end].0);
        }
    }
}

/// The nodes that compute factors of a scaling, back to the pooling that they begin with.
fn gates(graph: &Graph) -> BTreeSet<usize> {
    let nodes = graph.nodes();
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> =
        nodes.iter().filter(|node| node.op == Op::Scale).map(|node| node.inputs[1]).collect();
    while let Some(id) = open.pop() {
        if nodes[id].op != Op::GlobalAvgPool && found.insert(id) {
            open.extend(&nodes[id].inputs);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Conv};

    fn free(graphs: &[Graph]) -> Vec<Vec<(String, bool, bool)>> {
        let sets = Channels::of(graphs).into_iter().filter(|set| !set.tied);
        sets.map(|set| set.axes.into_iter().map(|a| (a.layer, a.outputs, a.gate)).collect()).collect()
    }

    fn named(set: &[(&str, bool, bool)]) -> Vec<(String, bool, bool)> {
        set.iter().map(|(layer, outputs, gate)| (layer.to_string(), *outputs, *gate)).collect()
    }

    #[test]
    fn channels_between_two_layers_are_free_and_residual_ones_are_tied() {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("stem", g.input(), Conv::new(4, 1));
        let y = g.conv("expand", x, Conv::new(16, 1));
        let y = g.batch_norm("bn", y);
        let y = g.conv("depthwise", y, Conv::new(16, 3).same().groups(16));
        let s = g.global_avg_pool(y);
        let s = g.conv("reduce", s, Conv::new(8, 1));
        let s = g.conv("excite", s, Conv::new(16, 1));
        let s = g.activation(s, Activation::HSigmoid);
        let y = g.scale(y, s);
        let y = g.conv("project", y, Conv::new(4, 1));
        let x = g.add(x, y);
        let x = g.flatten(x);
        g.linear("fc", x, 10);
        let expected = [
            named(&[
                ("expand", true, false),
                ("bn", true, false),
                ("depthwise", true, false),
                ("reduce", false, true),
                ("excite", true, true),
                ("project", false, false),
            ]),
            named(&[("reduce", true, true), ("excite", false, true)]),
        ];
        assert_eq!(free(&[g.finish().unwrap()]), expected);
    }

    #[test]
    fn a_layer_that_reads_others_in_shallow_networks_ties_them_together() {
        let network = |depth: usize| {
            let mut g = Graph::builder([1, 2, 2]);
            let mut x = g.input();
            for layer in 0..depth {
                x = g.linear(&format!("fc{layer}"), x, 8);
            }
            g.linear("out", x, 2);
            g.finish().unwrap()
        };
        let apart = [
            named(&[("fc0", true, false), ("fc1", false, false)]),
            named(&[("fc1", true, false), ("out", false, false)]),
        ];
        assert_eq!(free(&[network(2)]), apart);
        assert_eq!(free(&[network(2), network(1)]), [apart.concat()]);
    }
}
