//! On which grid the value of each node lies, and where it comes to lie on it.

use sapwood_graph::{Activation, Grid, Op, QuantizedNetwork};

/// The grids of the values of a network, also of those that only carry their input's.
pub(super) struct Lattice {
    grids: Vec<Option<Grid>>,
    /// For each node, the activation that alone reads it and rounds for it.
    behind: Vec<Option<usize>>,
}

impl Lattice {
    pub(super) fn of(network: &QuantizedNetwork) -> Self {
        let (graph, own) = (&network.graph, &network.grids);
        let nodes = graph.nodes();
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| readers[*input].push(at));
        }
        let alone = |at: usize| match readers[at][..] {
            [reader] if !graph.ends().contains(&at) => Some(reader),
            _ => None,
        };
        let behind = |at: usize| {
            alone(at)
                .filter(|next| !own.contains_key(&at) && fused(&nodes[*next].op) && own.contains_key(next))
        };
        let behind: Vec<Option<usize>> = (0..nodes.len()).map(behind).collect();
        let mut grids: Vec<Option<Grid>> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let carried =
                || node.inputs.first().filter(|_| is_carrier(&node.op)).and_then(|input| grids[*input]);
            grids.push(own.get(&at).copied().or_else(carried));
        }
        Self { grids, behind }
    }

    /// The grid of what leaves a node.
    pub(super) fn grid(&self, at: usize) -> Option<Grid> {
        self.grids[at]
    }

    /// The grid of an activation that is computed together with a node: that of the node's value before it.
    pub(super) fn grid_behind(&self, at: usize) -> Option<Grid> {
        self.grids[self.behind[at]?]
    }

    /// Whether rounding to the grid of an activation does all that the activation does.
    pub(super) fn is_rounding(&self, at: usize, op: &Op) -> bool {
        self.grids[at].is_some_and(|grid| {
            let [low, high] = grid.integers();
            let above = grid.zero_point() == low;
            match op {
                Op::Activation(Activation::Relu) => above,
                // The scale that was made of 6 does not give it back to the last bit.
                Op::Activation(Activation::Relu6) => above && grid.number(high) <= 6.0 + 0.5 * grid.scale(),
                _ => false,
            }
        })
    }
}

/// Whether an activation can be computed by rounding, or on integers.
fn fused(op: &Op) -> bool {
    matches!(op, Op::Activation(Activation::Relu | Activation::Relu6))
}

/// Whether an operation gives numbers of its input's grid.
pub(super) fn is_carrier(op: &Op) -> bool {
    matches!(
        op,
        Op::MaxPool(_)
            | Op::Flatten
            | Op::Reshape(_)
            | Op::Transpose { .. }
            | Op::Slice(_)
            | Op::Subsample { .. }
            | Op::Wrap { .. }
            | Op::Expand(_)
            | Op::Activation(Activation::Relu)
    )
}
