//! Which values of a network are rounded.

use std::collections::BTreeSet;

use crate::{Activation, Folding, Graph, Op};

/// What an operation does with numbers on a grid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It multiplies integers: a layer with quantised weights.
    Layer,
    /// It adds integers, and its result has a grid of its own.
    Sum,
    /// It gives numbers of its input's grid.
    Carrier,
    /// It cuts off what is below 0, and so gives numbers of its input's grid.
    Relu,
    /// It cuts off on both sides: its result has a grid of its own.
    Clip,
    /// It computes in floating point.
    Float,
}

/// Which values of a network lie on grids of their own: what a layer with quantised weights reads, sums and means,
/// and all that comes of these. What only gives its input's numbers (pooling, flattening) shares its grid; what an
/// activation alone reads is rounded behind it; normalisation, attention, soft activations and the network's
/// output stay in floating point. This is where ONNX Runtime puts `QuantizeLinear`, except for the output.
#[derive(Clone, Debug)]
pub struct Points {
    names: Vec<String>,
    /// For each node, that at whose grid its value lies.
    grid_of: Vec<Option<usize>>,
    /// For each node, those that it reads.
    inputs: Vec<Vec<usize>>,
    /// For each layer, its place.
    layers: Vec<(String, usize)>,
}

impl Points {
    /// Of a network, some of whose layers (by their names) compute in floating point.
    pub fn of(graph: &Graph, float: &BTreeSet<String>) -> Self {
        let nodes = graph.nodes();
        let kinds: Vec<Kind> = nodes.iter().map(|node| kind(&node.op, float.contains(&node.name))).collect();
        let mut readers = vec![0usize; nodes.len()];
        nodes.iter().flat_map(|node| &node.inputs).for_each(|read| readers[*read] += 1);
        // An activation that alone reads what was computed is computed with it.
        let fused = |at: usize| {
            let before = nodes[at].inputs.first().copied();
            matches!(kinds[at], Kind::Relu | Kind::Clip)
                && before.is_some_and(|it| {
                    readers[it] == 1
                        && matches!(kinds[it], Kind::Layer | Kind::Sum | Kind::Float)
                        && nodes[it].op != Op::Input
                })
        };
        // Whether a value is read where integers are, from the last node to the first.
        let mut read = vec![false; nodes.len()];
        for at in (0..nodes.len()).rev() {
            let behind = (at + 1..nodes.len()).find(|next| fused(*next) && nodes[*next].inputs[0] == at);
            let wanted = read[at] || behind.is_some_and(|next| read[next]);
            let wants = match kinds[at] {
                Kind::Layer => true,
                Kind::Sum | Kind::Carrier => wanted,
                Kind::Relu => wanted && !fused(at),
                Kind::Clip | Kind::Float => false,
            };
            nodes[at].inputs.iter().filter(|_| wants).for_each(|input| read[*input] = true);
        }
        let mut grid_of: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let carried = match kinds[at] {
                Kind::Carrier => true,
                Kind::Relu => !fused(at),
                _ => false,
            };
            let own = read[at].then_some(at);
            grid_of.push(match node.inputs.first() {
                Some(input) if carried => grid_of[*input],
                _ => own,
            });
        }
        let layers = nodes.iter().enumerate().filter(|(at, _)| kinds[*at] == Kind::Layer);
        Self {
            names: graph.value_names(),
            inputs: nodes.iter().map(|node| node.inputs.clone()).collect(),
            layers: layers.map(|(at, node)| (node.name.clone(), at)).collect(),
            grid_of,
        }
    }

    /// Of a network as it will be when its normalisations are folded: values are rounded behind them.
    pub fn before_folding(graph: &Graph, float: &BTreeSet<String>) -> Self {
        let folding = Folding::of(graph);
        let folded = Self::of(folding.graph(), float);
        let nodes = graph.nodes().len();
        let mut points = Self {
            names: vec![String::new(); nodes],
            grid_of: vec![None; nodes],
            inputs: vec![Vec::new(); nodes],
            layers: Vec::with_capacity(folded.layers.len()),
        };
        for (at, name) in folded.names.into_iter().enumerate() {
            let origin = folding.origin(at);
            points.names[origin] = name;
            points.grid_of[origin] = folded.grid_of[at].map(|grid| folding.origin(grid));
            points.inputs[origin] = folded.inputs[at].iter().map(|read| folding.origin(*read)).collect();
        }
        points.layers = folded.layers.into_iter().map(|(name, at)| (name, folding.origin(at))).collect();
        points
    }

    /// The nodes whose values have grids of their own, with the values' names.
    pub fn own(&self) -> impl Iterator<Item = (usize, &str)> {
        let own = self.grid_of.iter().enumerate().filter(|(at, grid)| **grid == Some(*at));
        own.map(|(at, _)| (at, &self.names[at][..]))
    }

    /// The layers with quantised weights, in the order of the network.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|(layer, _)| &layer[..])
    }

    /// The node with whose grid a layer's input lies.
    pub fn input_of(&self, layer: &str) -> Option<usize> {
        let (_, at) = self.layers.iter().find(|(name, _)| name == layer)?;
        self.grid_of[*self.inputs[*at].first()?]
    }

    /// The node with whose grid a node's value lies.
    pub fn grid_of(&self, node: usize) -> Option<usize> {
        self.grid_of.get(node).copied().flatten()
    }

    /// What a node's value is called.
    pub fn name(&self, node: usize) -> &str {
        &self.names[node]
    }
}

fn kind(op: &Op, float: bool) -> Kind {
    match op {
        Op::Conv(_) | Op::Linear { .. } if !float => Kind::Layer,
        Op::Add | Op::AvgPool(_) | Op::GlobalAvgPool | Op::Concat { .. } => Kind::Sum,
        op if op.is_carrier() => Kind::Carrier,
        Op::Activation(Activation::Relu) => Kind::Relu,
        Op::Activation(Activation::Relu6) => Kind::Clip,
        _ => Kind::Float,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Conv;

    fn own(graph: &Graph, float: &[&str]) -> Vec<String> {
        let points = Points::of(graph, &float.iter().map(ToString::to_string).collect());
        points.own().map(|(_, name)| name.to_string()).collect()
    }

    #[test]
    fn what_a_layer_reads_is_rounded_once() {
        let mut g = Graph::builder([1, 8, 8]);
        let x = g.conv("conv1", g.input(), Conv::new(4, 3));
        let x = g.relu(x);
        let x = g.max_pool(x, 2, 2, 0);
        let x = g.flatten(x);
        let x = g.linear("fc1", x, 8);
        let x = g.relu(x);
        g.linear("fc2", x, 2);
        let graph = g.finish().unwrap();
        assert_eq!(own(&graph, &[]), ["input", "relu", "relu_1"]);
        assert_eq!(own(&graph, &["fc2"]), ["input", "relu"]);
        assert_eq!(own(&graph, &["conv1", "fc2"]), ["relu"]);
        let points = Points::of(&graph, &BTreeSet::new());
        assert_eq!(["conv1", "fc1", "fc2"].map(|layer| points.input_of(layer)), [Some(0), Some(2), Some(6)]);
    }

    #[test]
    fn both_summands_and_the_sum_of_a_residual_block_are_rounded() {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("stem", g.input(), Conv::new(4, 3).same());
        let x = g.activation(x, Activation::Relu6);
        let y = g.conv("conv1", x, Conv::new(4, 3).same());
        let y = g.relu(y);
        let y = g.conv("conv2", y, Conv::new(4, 3).same());
        let z = g.add(y, x);
        let z = g.relu(z);
        let z = g.global_avg_pool(z);
        g.linear("fc", z, 2);
        let graph = g.finish().unwrap();
        assert_eq!(own(&graph, &[]), ["input", "relu6", "relu", "conv2", "relu_1", "global_avg_pool"]);
    }

    #[test]
    fn a_normalisation_that_will_be_folded_is_part_of_its_layer() {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("conv1", g.input(), Conv::new(4, 3).same().no_bias());
        let x = g.batch_norm("bn1", x);
        let x = g.relu(x);
        let y = g.conv("conv2", x, Conv::new(4, 3).same().no_bias());
        let y = g.batch_norm("bn2", y);
        let z = g.add(y, x);
        let z = g.global_avg_pool(z);
        g.linear("fc", z, 2);
        let graph = g.finish().unwrap();
        let points = Points::before_folding(&graph, &BTreeSet::new());
        let own: Vec<_> = points.own().collect();
        let named = [(0, "input"), (3, "relu"), (5, "conv2"), (6, "add"), (7, "global_avg_pool")];
        assert_eq!(own, named);
        assert_eq!(["conv1", "conv2", "fc"].map(|layer| points.input_of(layer)), [Some(0), Some(3), Some(7)]);
    }

    #[test]
    fn what_is_not_read_by_integers_is_not_rounded() {
        let mut g = Graph::builder([4, 2, 2]);
        let x = g.conv("conv", g.input(), Conv::new(4, 1));
        let x = g.activation(x, Activation::Gelu);
        let x = g.layer_norm("ln", x);
        let y = g.add(x, x);
        g.global_avg_pool(y);
        let graph = g.finish().unwrap();
        assert_eq!(own(&graph, &[]), ["input"]);
    }
}
