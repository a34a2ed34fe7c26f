//! TensorFlow's running statistics.

use sapwood_core::{Graph, Node, Op, graph::Error};

/// The same network, whose running statistics move by a hundredth in a step.
pub(super) fn slow(graph: &Graph) -> Result<Graph, Error> {
    let slower = |node: &Node| match node.op {
        Op::BatchNorm { channels, epsilon, .. } => {
            Node { op: Op::BatchNorm { channels, epsilon, momentum: 0.01 }, ..node.clone() }
        }
        _ => node.clone(),
    };
    Graph::of_nodes(graph.nodes().iter().map(slower).collect(), graph.input())
}
