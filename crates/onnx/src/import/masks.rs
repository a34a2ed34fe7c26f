//! Masks of minus infinity, which attention adds to likenesses so that softmax leaves nothing of them.

use std::collections::BTreeSet;

use sapwood_graph::{Node, Op};

use super::settle::readers;

/// What minus infinity becomes: softmax leaves nothing of it either, and sums and products with it are numbers.
pub(super) const NOTHING: f32 = -1e30;

/// The constants that are only added on the way to a softmax.
pub(super) fn masks(nodes: &[Node], needed: &BTreeSet<usize>, ends: &[usize]) -> BTreeSet<usize> {
    let readers = readers(nodes, needed);
    let mut is_masking = vec![false; nodes.len()];
    for at in needed.iter().rev() {
        let by = |reader: &usize| match nodes[*reader].op {
            Op::Softmax { .. } => true,
            Op::Add | Op::Reshape(_) | Op::Expand(_) | Op::Slice(_) | Op::Transpose { .. } => {
                is_masking[*reader]
            }
            _ => false,
        };
        is_masking[*at] = !readers[*at].is_empty() && !ends.contains(at) && readers[*at].iter().all(by);
    }
    let is_constant = |at: &usize| matches!(nodes[*at].op, Op::Constant { .. });
    needed.iter().copied().filter(|at| is_constant(at) && is_masking[*at]).collect()
}
