//! On which grid the value of each node lies, and where it comes to lie on it.

use sapwood_graph::{Activation, Grid, Node, Op, QuantizedNetwork};

use crate::signs::Signs;

/// The grids of the values of a network, also of those that only carry their input's.
pub(super) struct Lattice {
    grids: Vec<Option<Grid>>,
    /// For each node, the activation that alone reads it and rounds for it.
    behind: Vec<Option<usize>>,
    /// Whether its value may lie below 0.
    negative: Vec<bool>,
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
        let computed =
            |at: usize| !matches!(nodes[at].op, Op::Input | Op::Activation(_)) && !is_carrier(&nodes[at].op);
        let behind = |at: usize| {
            alone(at)
                .filter(|_| computed(at))
                .filter(|next| !own.contains_key(&at) && fused(&nodes[*next].op) && own.contains_key(next))
        };
        let behind: Vec<Option<usize>> = (0..nodes.len()).map(behind).collect();
        let mut grids: Vec<Option<Grid>> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let carried =
                || node.inputs.first().filter(|_| is_carrier(&node.op)).and_then(|input| grids[*input]);
            grids.push(own.get(&at).copied().or_else(carried));
        }
        let mut signs = Signs::default();
        let negative = (0..nodes.len()).map(|at| signs.may_be_negative(nodes, at)).collect();
        Self { grids, behind, negative }
    }

    /// The grid of what leaves a node.
    pub(super) fn grid(&self, at: usize) -> Option<Grid> {
        self.grids[at]
    }

    /// The grid of an activation that is computed together with a node: that of the node's value before it.
    pub(super) fn grid_behind(&self, at: usize) -> Option<Grid> {
        self.grids[self.behind[at]?]
    }

    /// Whether what rounds to the grid of an activation does all that the activation does, and whoever reads it can
    /// tell: the activation alone reads what may lie below 0.
    pub(super) fn is_rounding(&self, at: usize, node: &Node) -> bool {
        let (Some(grid), Some(&before)) = (self.grids[at], node.inputs.first()) else { return false };
        let [low, high] = grid.integers();
        let same = match node.op {
            Op::Activation(Activation::Relu) => true,
            // The scale that was made of 6 does not give it back to the last bit.
            Op::Activation(Activation::Relu6) => grid.number(high) <= 6.0 + 0.5 * grid.scale(),
            _ => false,
        };
        same && grid.zero_point() == low && self.behind[before] == Some(at) && self.negative[before]
    }
}

/// Whether an activation can be computed by rounding, or on integers.
fn fused(op: &Op) -> bool {
    matches!(op, Op::Activation(Activation::Relu | Activation::Relu6))
}

/// Whether an operation gives numbers of its input's grid: a ReLU of its own too.
pub(super) fn is_carrier(op: &Op) -> bool {
    op.is_carrier() || matches!(op, Op::Activation(Activation::Relu))
}
