//! Which channels of a network go together.

use std::collections::BTreeSet;

use sapwood_core::{Graph, Op};

/// A dimension of a parameter that runs over a set of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// The layer.
    pub(crate) layer: String,
    /// Whether the channels are what comes out of the layer, rather than what goes in.
    pub(crate) outputs: bool,
    /// How many values of the layer belong to a channel: more than one behind a flattening.
    pub(crate) stride: usize,
    /// Whether the layer only says how much of each channel passes (squeeze and excitation).
    pub(crate) gate: bool,
}

/// Channels that must be permuted together, as they come out of some layers and go into others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels {
    /// Every dimension that runs over them.
    pub(crate) axes: Vec<Axis>,
    /// Whether they are tied to others by more than their own layers: by an addition, by being
    /// the network's input or output, by positions or attention heads.
    pub(crate) tied: bool,
}

impl Channels {
    /// The sets of channels of a network, in the order in which they arise.
    pub(crate) fn of(graph: &Graph) -> Vec<Self> {
        let nodes = graph.nodes();
        let gates = gates(graph);
        // For each node the set that its outputs belong to, and how many values a channel has.
        let mut sets: Vec<(usize, usize)> = Vec::with_capacity(nodes.len());
        let mut found: Vec<Self> = Vec::new();
        let mut joined: Vec<(usize, usize)> = Vec::new();
        let shapes = graph.shapes(graph.input()).unwrap_or_default();
        for (id, node) in nodes.iter().enumerate() {
            let axis = |outputs, stride| Axis {
                layer: node.name.clone(),
                outputs,
                stride,
                gate: gates.contains(&id),
            };
            let from = node.inputs.first().map(|input| sets[*input]);
            let mut new = |tied: bool, axes: Vec<Axis>| {
                found.push(Self { axes, tied });
                (found.len() - 1, 1)
            };
            let set = match (node.op, from) {
                (Op::Input, _) | (_, None) => new(true, Vec::new()),
                (Op::Conv(conv), Some((set, _)))
                    if conv.groups == conv.inputs && conv.groups == conv.outputs =>
                {
                    found[set].axes.push(axis(true, 1));
                    (set, 1)
                }
                (Op::Conv(_) | Op::Linear { .. }, Some((set, stride))) => {
                    let grouped = matches!(node.op, Op::Conv(conv) if conv.groups > 1);
                    let made = new(grouped, vec![axis(true, 1)]);
                    found[set].axes.push(axis(false, stride));
                    found[set].tied |= grouped;
                    made
                }
                (Op::BatchNorm { .. } | Op::LayerNorm { .. }, Some((set, stride))) => {
                    found[set].axes.push(axis(true, stride));
                    (set, stride)
                }
                (Op::Flatten, Some((set, stride))) => {
                    let [_, h, w] = shapes.get(node.inputs[0]).copied().unwrap_or([1, 1, 1]);
                    (set, stride * h * w)
                }
                (Op::Scale, Some(set)) => {
                    joined.push((set.0, sets[node.inputs[1]].0));
                    set
                }
                (Op::Add | Op::Attention { .. } | Op::Position(_) | Op::Subsample { .. }, _) => {
                    node.inputs.iter().for_each(|input| found[sets[*input].0].tied = true);
                    found.push(Self { axes: Vec::new(), tied: true });
                    (found.len() - 1, 1)
                }
                (_, Some(set)) => set,
            };
            sets.push(set);
        }
        if let Some((last, _)) = sets.last() {
            found[*last].tied = true;
        }
        for (kept, absorbed) in joined {
            let Self { axes, tied } = std::mem::take(&mut found[absorbed]);
            found[kept].axes.extend(axes);
            found[kept].tied |= tied;
        }
        found.retain(|set| !set.axes.is_empty());
        found
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
    use sapwood_core::{Activation, Conv};

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
        let sets = Channels::of(&g.finish().unwrap());
        let free: Vec<Vec<(&str, bool, bool)>> = sets
            .iter()
            .filter(|set| !set.tied)
            .map(|set| set.axes.iter().map(|a| (a.layer.as_str(), a.outputs, a.gate)).collect())
            .collect();
        assert_eq!(
            free,
            [
                vec![
                    ("expand", true, false),
                    ("bn", true, false),
                    ("depthwise", true, false),
                    ("reduce", false, true),
                    ("project", false, false),
                    ("excite", true, true),
                ],
                vec![("reduce", true, true), ("excite", false, true)],
            ]
        );
    }
}
