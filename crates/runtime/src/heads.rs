//! Attention of what lies pixel by pixel, as most networks write it: its queries, keys and values are slices of the channels
//! of one value, and turned around before and behind it. None of these has to be made.

use std::collections::BTreeMap;

use sapwood_graph::{Graph, Grid, Op, Slice};

/// Attention in this number of heads.
pub(crate) struct Heads {
    pub(crate) heads: usize,
    /// The values that have its queries, keys and values, and the first of their channels.
    pub(crate) parts: [(usize, usize); 3],
}

/// The attention that a node gives turned around; none where that is not what it does, or something is rounded on the way.
pub(crate) fn heads(
    graph: &Graph,
    by_pixels: &[bool],
    grids: &BTreeMap<usize, Grid>,
    id: usize,
) -> Option<Heads> {
    let nodes = graph.nodes();
    let free = |id: usize| Some(id).filter(|id| !grids.contains_key(id));
    // What a node turns around: places and channels.
    let turned = |id: usize| match &nodes[id].op {
        Op::Transpose { order } if order[..] == [0, 2, 1] => nodes[id].inputs.first().copied(),
        _ => None,
    };
    let attention = turned(id).filter(|_| by_pixels[id]).and_then(free)?;
    let Op::Attention { heads } = nodes[attention].op else { return None };
    let part = |input: usize| {
        let whole = turned(free(input)?)?;
        let part = match nodes[whole].op {
            Op::Slice(Slice { axis: 2, start, step: 1, .. }) => (nodes[free(whole)?].inputs[0], start),
            _ => (whole, 0),
        };
        Some(part).filter(|(value, _)| by_pixels[*value])
    };
    let [queries, keys, values] = nodes[attention].inputs[..] else { return None };
    Some(Heads { heads, parts: [part(queries)?, part(keys)?, part(values)?] })
}
