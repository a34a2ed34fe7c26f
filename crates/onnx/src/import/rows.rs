//! Linear layers that exporters put between two changes of dimensions.
//!
//! `nn.MultiheadAttention` flattens what it gives to rows, multiplies, and takes the rows apart again: `[l, n, h, d]` to
//! `[l n, h d]`, and `[l n, o]` to `[l, n, o]`. With the images in between, rows of one image are apart; a layer at
//! places of `[l, n, h d]` gives the same numbers, and leaves each image's where they are.

use std::collections::BTreeSet;

use sapwood_graph::{Dims, Node, Op};

use super::settle::readers;

/// Gives linear layers what they read in the dimensions that their results are taken apart to.
pub(super) fn stay_apart(
    nodes: &mut [Node],
    dims: &mut [Dims],
    needed: &BTreeSet<usize>,
    ends: &mut [usize],
) {
    let readers_of = readers(nodes, needed);
    let mut instead: Vec<usize> = (0..nodes.len()).collect();
    for at in needed {
        let Op::Linear { inputs, places: true, .. } = nodes[*at].op else { continue };
        let (before, &[behind]) = (nodes[*at].inputs[0], &readers_of[*at][..]) else { continue };
        let both = [before, behind].map(|node| matches!(nodes[node].op, Op::Reshape(_)));
        if both != [true, true]
            || readers_of[before].len() != 1
            || ends.contains(at)
            || ends.contains(&before)
        {
            continue;
        }
        if let Some(apart) = with_last(&dims[behind], dims[*at].sizes().last().copied(), inputs) {
            nodes[before].op = Op::Reshape(apart);
            (dims[before], dims[*at]) = (apart, dims[behind]);
            instead[behind] = *at;
        }
    }
    for node in nodes.iter_mut() {
        node.inputs.iter_mut().for_each(|input| *input = instead[*input]);
    }
    ends.iter_mut().for_each(|end| *end = instead[*end]);
}

/// These dimensions with another size in the place of the last one, if that is no multiple of the batch and has this size.
fn with_last(dims: &Dims, last: Option<usize>, size: usize) -> Option<Dims> {
    let batch = dims.batch()?;
    let mut sizes = dims.sizes().to_vec();
    let is_last = sizes.last() == last.as_ref() && batch + 1 < sizes.len();
    *sizes.last_mut()? = size;
    Dims::with_batch(&sizes, batch).filter(|_| is_last)
}
