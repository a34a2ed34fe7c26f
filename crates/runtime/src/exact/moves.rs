//! Integers in other places.

use sapwood_graph::{Dims, Op};

/// Whether an operation puts the integers of each example elsewhere, of dimensions into others.
pub(super) fn is_move(op: &Op, from: &Dims, to: &Dims) -> bool {
    matches!(op, Op::Reshape(_) | Op::Transpose { .. } | Op::Slice(_))
        && from.example().is_some()
        && to.example().is_some()
}

/// What such an operation makes of the integers of some examples.
pub(super) fn moved(op: &Op, [from, to]: [&Dims; 2], integers: &[i32]) -> Vec<i32> {
    // How far apart neighbours of a dimension lie, in one example.
    let apart = |dim: usize| from.sizes()[dim + 1..].iter().product::<usize>();
    let (start, apart): (usize, Vec<usize>) = match op {
        Op::Transpose { order } => (0, order[1..].iter().map(|dim| apart(*dim)).collect()),
        Op::Slice(slice) => {
            let times = |dim: usize| if dim == slice.axis { slice.step } else { 1 };
            (slice.start * apart(slice.axis), (1..from.rank()).map(|dim| times(dim) * apart(dim)).collect())
        }
        _ => return integers.to_vec(),
    };
    let mut places = vec![start];
    for (size, apart) in to.sizes()[1..].iter().zip(apart) {
        places = places.iter().flat_map(|place| (0..*size).map(move |at| place + at * apart)).collect();
    }
    let size: usize = from.sizes()[1..].iter().product();
    let examples = integers.chunks_exact(size.max(1));
    examples.flat_map(|example| places.iter().map(move |place| example[*place])).collect()
}
