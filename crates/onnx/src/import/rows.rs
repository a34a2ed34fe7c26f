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
        // What was taken apart again behind another such layer is that layer's value by now.
        let (before, &[behind]) = (instead[nodes[*at].inputs[0]], &readers_of[*at][..]) else { continue };
        // A rounding is a change of dimensions to the same ones.
        let changes =
            |node: usize| matches!(nodes[node].op, Op::Reshape(to) if to != dims[nodes[node].inputs[0]]);
        if !changes(before)
            || !changes(behind)
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
    fn a_rounding_on_either_side_stays() {
        let layer = Op::Linear { inputs: 2, outputs: 3, bias: true, places: true };
        let cases: [[&[usize]; 3]; 3] = [
            [&[1, 4, 2], &[1, 4, 3], &[1, 4, 3]],
            [&[1, 4, 2], &[1, 4, 3], &[4, 3]],
            [&[4, 2], &[4, 3], &[4, 3]],
        ];
        for sizes in cases {
            let [(before, of_before), (_, of_layer), (behind, of_behind)] =
                sizes.map(|sizes| reshape(sizes, 0));
            let mut nodes =
                vec![node(Op::Input, &[]), node(before, &[0]), node(layer, &[1]), node(behind, &[2])];
            let (expected, all, mut ends) = (nodes.clone(), (0..nodes.len()).collect(), [3]);
            let input = Dims::batch_of(&[4, 2]).unwrap();
            stay_apart(&mut nodes, &mut [input, of_before, of_layer, of_behind], &all, &mut ends);
            assert!(nodes == expected && ends == [3], "{sizes:?}");
        }
    }

    #[test]
    fn a_layer_behind_one_that_reads_places_gives_what_it_gave() {
        let layer = |inputs, outputs| Op::Linear { inputs, outputs, bias: true, places: true };
        let [(rows, of_rows), (apart, of_apart), (back, of_back)] =
            [reshape(&[3, 2], 0), reshape(&[3, 1, 4], 1), reshape(&[3, 2], 0)];
        let mut nodes = vec![
            node(Op::Input, &[]),
            node(rows, &[0]),
            node(layer(2, 4), &[1]),
            node(apart, &[2]),
            node(layer(4, 2), &[3]),
            node(back, &[4]),
        ];
        let (_, of_rows_of_first) = reshape(&[3, 4], 0);
        let (_, of_places) = reshape(&[3, 1, 2], 1);
        let mut dims = [of_places, of_rows, of_rows_of_first, of_apart, of_places, of_back];
        let (all, mut ends) = ((0..nodes.len()).collect(), [5]);
        stay_apart(&mut nodes, &mut dims, &all, &mut ends);
        assert_eq!((&nodes[4].inputs[..], &nodes[5], ends), (&[2][..], &node(back, &[4]), [5]));
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
