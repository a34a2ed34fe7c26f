//! Numbers as Python writes them, and those that the text has and the state dict has not.

use std::collections::BTreeSet;

use sapwood_core::{Graph, Op};

/// Whether a node is a number that nothing learns, such as what attention is divided by: a state dict without it is that of
/// the module that somebody would write by hand.
pub(super) fn is_number(op: &Op) -> bool {
    matches!(op, Op::Constant { dims, learnt: false } if dims.values() == 1)
}

/// The names of such numbers.
pub(super) fn numbers(graph: &Graph) -> BTreeSet<&str> {
    graph.nodes().iter().filter(|node| is_number(&node.op)).map(|node| node.name.as_str()).collect()
}

/// A number as Python writes it.
pub(super) fn number(value: f64) -> String {
    match value.is_finite() {
        // Beyond what PyTorch's numbers hold is as far as they go.
        true => format!("{:?}", value.clamp(f64::from(f32::MIN), f64::from(f32::MAX))),
        false if value.is_nan() => r#"float("nan")"#.into(),
        false if value < 0.0 => r#"float("-inf")"#.into(),
        false => r#"float("inf")"#.into(),
    }
}
