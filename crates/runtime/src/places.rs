//! Which values lie pixel by pixel: those that layers at places read and write, whose channels are the last dimension and
//! whose pixels are all others. What convolutions and their like read has its channels in front.

use sapwood_graph::{Dims, Graph, Op, Shape};

use crate::lower::by_channel;

/// A value's channels, and the height and width of its pixels, where its channels are the last dimension: those that it
/// would have with its channels in front. None where the last dimension is the batch's, or there is none.
pub(crate) fn channels_last(dims: &Dims) -> Option<Shape> {
    let (channels, others) = dims.sizes().split_last()?;
    if dims.batch() == Some(others.len()) {
        return None;
    }
    Some(match (dims.example(), others) {
        (Some(_), [_, height, rest @ ..]) if !rest.is_empty() => [*channels, *height, rest.iter().product()],
        _ => [*channels, 1, others.iter().product()],
    })
}

/// Whether a value is one row of channels, wherever these are.
fn is_row(dims: &Dims) -> bool {
    channels_last(dims).is_some_and(|[channels, ..]| dims.image() == [channels, 1, 1])
}

/// Whether each of the first values lies pixel by pixel.
pub(crate) fn by_pixels(graph: &Graph, dims: &[Dims], values: usize) -> Vec<bool> {
    let nodes = &graph.nodes()[..values];
    // Who takes channels from the first dimension, or leaves them there.
    let is_front = |op: &Op| {
        matches!(
            op,
            Op::Conv(_)
                | Op::Linear { places: false, .. }
                | Op::Attention { .. }
                | Op::BatchNorm { .. }
                | Op::MaxPool(_)
                | Op::AvgPool(_)
                | Op::GlobalAvgPool
                | Op::Scale
                | Op::Subsample { .. }
        )
    };
    let mut is_able: Vec<bool> = nodes
        .iter()
        .zip(dims)
        .map(|(node, dims)| !is_front(&node.op) && channels_last(dims).is_some() && !is_row(dims))
        .collect();
    for node in nodes.iter().filter(|node| is_front(&node.op)) {
        node.inputs.iter().for_each(|&input| is_able[input] = false);
    }
    let mut found = vec![false; values];
    for (id, node) in nodes.iter().enumerate() {
        if matches!(node.op, Op::Linear { places: true, .. } | Op::LayerNorm { last: true, .. }) {
            [id, node.inputs[0]].into_iter().for_each(|id| found[id] = is_able[id]);
        }
    }
    // What is done number by number lies as what it reads and as what reads it.
    let alike = |id: usize| {
        let inputs = &nodes[id].inputs;
        match nodes[id].op {
            Op::Activation(_) => Some(inputs.clone()),
            Op::Add if inputs.iter().all(|&input| dims[input] == dims[id]) => Some(inputs.clone()),
            _ => by_channel(graph, dims, id, true).map(|[value, _]| vec![value]),
        }
    };
    let together: Vec<Vec<usize>> = (0..values)
        .filter_map(|id| Some([alike(id)?, vec![id]].concat()))
        .filter(|ids| ids.iter().all(|id| is_able[*id]))
        .collect();
    let mut is_new = true;
    while is_new {
        is_new = false;
        for ids in together.iter().chain(together.iter().rev()) {
            let some = ids.iter().any(|id| found[*id]);
            if some && !ids.iter().all(|id| found[*id]) {
                ids.iter().for_each(|id| found[*id] = true);
                is_new = true;
            }
        }
    }
    found
}

/// Whether a layer at places can read and write these values as pixels: they lie pixel by pixel, or are rows.
pub(crate) fn are_pixels<'d>(mut values: impl Iterator<Item = (bool, &'d Dims)>) -> bool {
    values.all(|(by_pixels, dims)| by_pixels || is_row(dims))
}

/// Whether a node does nothing but bring channels from the front to the end, or back: what it reads lies the one way, and
/// its value the other.
pub(crate) fn is_turned(graph: &Graph, dims: &[Dims], by_pixels: &[bool], id: usize) -> bool {
    let node = &graph.nodes()[id];
    let Op::Transpose { order } = &node.op else { return false };
    let (input, Some(last @ 2..)) = (node.inputs[0], order.len().checked_sub(1)) else { return false };
    let order = order.iter().copied();
    dims[input].example().is_some()
        && match [by_pixels[input], by_pixels[id]] {
            [false, true] => order.eq([0].into_iter().chain(2..=last).chain([1])),
            [true, false] => order.eq([0, last].into_iter().chain(1..last)),
            _ => false,
        }
}
