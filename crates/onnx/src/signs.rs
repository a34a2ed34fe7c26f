//! Which values cannot lie below 0.

use sapwood_graph::{Activation, Node, Op};

/// For each node of a network, perhaps in the making, whether its value may lie below 0, as far as its nodes were looked at.
#[derive(Debug, Default)]
pub(crate) struct Signs(Vec<bool>);

impl Signs {
    /// Whether the value of a node may lie below 0. Of the network's inputs nobody knows it, and whoever rounds them
    /// to positive numbers has seen no others.
    pub(crate) fn may_be_negative(&mut self, nodes: &[Node], at: usize) -> bool {
        for node in &nodes[self.0.len().min(nodes.len())..] {
            let mut any = node.inputs.iter().map(|input| self.0.get(*input).copied().unwrap_or(true));
            let negative = match node.op {
                Op::Input => false,
                Op::Activation(activation) => match activation {
                    Activation::Relu
                    | Activation::Relu6
                    | Activation::Sigmoid
                    | Activation::HSigmoid
                    | Activation::Softplus => false,
                    Activation::Clip(low, high) => low.0.min(high.0) < 0.0,
                    _ => true,
                },
                Op::Softmax { log, .. } => log,
                Op::AvgPool(_)
                | Op::GlobalAvgPool
                | Op::Resize(_)
                | Op::Concat { .. }
                | Op::Add
                | Op::Scale => any.any(|negative| negative),
                op if op.is_carrier() => any.any(|negative| negative),
                _ => true,
            };
            self.0.push(negative);
        }
        self.0.get(at).copied().unwrap_or(true)
    }

    /// Says it of a node that does nothing but round, the last one.
    pub(crate) fn is_positive(&mut self, at: usize, positive: bool) {
        // Of others it follows from what they read.
        if positive && self.0.len() == at {
            self.0.push(false);
        }
    }
}
