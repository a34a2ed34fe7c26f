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

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: Op, inputs: &[usize]) -> Node {
        Node { name: String::new(), op, inputs: inputs.to_vec() }
    }

    fn reshape(sizes: &[usize], batch: usize) -> (Op, Dims) {
        let dims = Dims::with_batch(sizes, batch).unwrap();
        (Op::Reshape(dims), dims)
    }

    /// `[10, n, 2, 16]`, rows of 32, a layer of `outputs`, and what these are taken apart to.
    fn made(outputs: usize, last: (Op, Dims)) -> (Vec<Node>, Vec<Dims>) {
        let (rows, of_rows) = reshape(&[10, 32], 0);
        let layer = Op::Linear { inputs: 32, outputs, bias: true, places: true };
        let nodes = vec![
            node(Op::Input, &[]),
            node(rows, &[0]),
            node(layer, &[1]),
            node(last.0, &[2]),
            node(Op::Add, &[3, 3]),
        ];
        let dims = [Dims::with_batch(&[10, 1, 2, 16], 1), Some(of_rows), Dims::with_batch(&[10, outputs], 0)];
        let dims = dims.into_iter().flatten().chain([last.1, last.1]).collect();
        (nodes, dims)
    }

    fn kept(outputs: usize, last: (Op, Dims), ends: &mut [usize]) -> (Vec<Node>, Vec<Dims>) {
        let (mut nodes, mut dims) = made(outputs, last);
        let all = (0..nodes.len()).collect();
        stay_apart(&mut nodes, &mut dims, &all, ends);
        (nodes, dims)
    }

    #[test]
    fn a_layer_between_rows_reads_places() {
        let (nodes, dims) = kept(24, reshape(&[10, 1, 24], 1), &mut [4]);
        let apart = Dims::with_batch(&[10, 1, 32], 1).unwrap();
        assert_eq!((&nodes[1].op, dims[1]), (&Op::Reshape(apart), apart));
        assert_eq!((&nodes[4].inputs, dims[2].sizes()), (&vec![2, 2], &[10, 1, 24][..]));
    }

    #[test]
    fn what_is_taken_apart_otherwise_or_read_elsewhere_stays() {
        for (last, end) in [
            // The outputs themselves are taken apart.
            (reshape(&[10, 1, 2, 12], 1), 4),
            (reshape(&[240, 1], 1), 4),
            // The rows are what the network gives.
            (reshape(&[10, 1, 24], 1), 2),
        ] {
            let (nodes, _) = kept(24, last, &mut [4, end]);
            assert!(nodes == made(24, last).0, "{last:?}");
        }
    }
}
