//! What outputs always have, in the biases of the next layer.

use sapwood_graph::{Array, Folding, Graph, Op, ParamPath, State};

use crate::{Equalisation, Error, equalisation::input_of};

/// Bias absorption (Nagel et al. 2019, section 4.1.3): behind a normalisation with scale `gamma` and shift `beta` nearly all
/// of a channel lies above `c = max(0, beta - 3 gamma)`, where no ReLU does anything. So `c` is taken off the layer's bias, and
/// `sum w c` goes into that of the layer that reads it: values begin nearer to 0, and their range is used.
///
/// `folded` are the weights after batch normalisation was folded and before [`Equalisation`], behind which `gamma` and `beta`
/// describe other values. A layer that pads what it reads with zeros is passed over, since it would read 0 where it should
/// read `c`; so is one without a bias. Also returns the number of channels whose bias was absorbed.
///
/// # Errors
/// A parameter that is not there.
pub fn absorbed(graph: &Graph, before: &State, mut folded: State) -> Result<(State, usize), Error> {
    let folding = Folding::of(graph);
    let after = folding.graph();
    let mut moved = 0;
    for [first, second] in Equalisation::of(after).pairs() {
        let Some(pair) = folding.pairs().iter().find(|pair| pair.layer == *first) else { continue };
        // Without a bias there is nowhere to put it, though a constant may have a bias's name.
        let has_bias = after.node(second).is_some_and(|node| node.op.has_bias());
        if !has_bias || !reads_all(after, second) || !unpadded_between(after, first, second) {
            continue;
        }
        let lacks = |path: &ParamPath| Error::Layer {
            layer: first.clone(),
            problem: format!("`{path}` is not there"),
        };
        let get = |state: &State, path: String| {
            let path = ParamPath::from(path);
            state.0.get(&path).cloned().ok_or_else(|| lacks(&path))
        };
        let gamma = get(before, format!("{}.weight", pair.norm))?;
        let beta = get(before, format!("{}.bias", pair.norm))?;
        let above: Vec<f64> = gamma
            .iter::<f64>()
            .zip(beta.iter::<f64>())
            .map(|(gamma, beta)| (beta - 3.0 * gamma.abs()).max(0.0))
            .collect();
        let count = above.iter().filter(|c| 0.0 < **c).count();
        let weight = get(&folded, format!("{second}.weight"))?;
        let Some(input) = input_of(weight.shape(), above.len()).filter(|_| count > 0) else { continue };
        let outputs = weight.shape()[0];
        let row = (weight.len() / outputs.max(1)).max(1);
        let mut more = vec![0.0f64; outputs];
        weight.iter::<f64>().enumerate().for_each(|(at, w)| more[at / row] += w * above[input(at)]);
        let old = get(&folded, format!("{first}.bias"))?;
        let less = old.iter::<f64>().zip(&above).map(|(bias, c)| (bias - c) as f32);
        let less = Array::new(old.shape(), less.collect::<Vec<_>>())?;
        let bias = get(&folded, format!("{second}.bias"))?;
        let added = bias.iter::<f64>().zip(&more).map(|(bias, more)| (bias + more) as f32);
        let added = Array::new(bias.shape(), added.collect::<Vec<_>>())?;
        folded.0.insert(format!("{first}.bias").into(), less);
        folded.0.insert(format!("{second}.bias").into(), added);
        moved += count;
    }
    Ok((folded, moved))
}

/// Whether a layer reads nothing but values, no padding.
fn reads_all(graph: &Graph, layer: &str) -> bool {
    let node = graph.nodes().iter().find(|node| node.name == layer);
    match node.map(|node| node.op) {
        Some(Op::Conv(spec)) => spec.padding.symmetric().is_some_and(|padding| padding == [0, 0]),
        Some(Op::Linear { .. }) => true,
        _ => false,
    }
}

/// Whether no mean between two layers counts zeros that were added.
fn unpadded_between(graph: &Graph, first: &str, second: &str) -> bool {
    let nodes = graph.nodes();
    let Some(mut at) = nodes.iter().position(|node| node.name == *second) else { return false };
    while nodes[at].name != *first {
        let Some(before) = nodes[at].inputs.first() else { return false };
        at = *before;
        if let Op::AvgPool(pool) = nodes[at].op
            && pool.window.padding.symmetric().is_none_or(|padding| padding != [0, 0])
        {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use sapwood_graph::Conv;

    use super::*;

    #[test]
    fn what_a_channel_always_has_moves_to_the_next_layer() {
        let mut g = Graph::builder([1, 4, 4]);
        let x = g.conv("a", g.input(), Conv::new(2, 1).no_bias());
        let x = g.batch_norm("bn", x);
        let x = g.relu(x);
        let x = g.conv("b", x, Conv::new(1, 1));
        let x = g.relu(x);
        g.conv("c", x, Conv::new(1, 3).same());
        let graph = g.finish().unwrap();
        let array = |shape: &[usize], values: &[f32]| Array::new(shape, values.to_vec()).unwrap();
        let all = [
            ("a.weight", array(&[2, 1, 1, 1], &[1.0, 1.0])),
            ("bn.weight", array(&[2], &[0.5, 1.0])),
            ("bn.bias", array(&[2], &[4.0, 1.0])),
            ("bn.running_mean", array(&[2], &[0.0, 0.0])),
            ("bn.running_var", array(&[2], &[1.0 - 1e-5, 1.0 - 1e-5])),
            ("b.weight", array(&[1, 2, 1, 1], &[2.0, -3.0])),
            ("b.bias", array(&[1], &[0.25])),
            ("c.weight", array(&[1, 1, 3, 3], &[1.0; 9])),
            ("c.bias", array(&[1], &[0.0])),
        ];
        let before = State(all.into_iter().map(|(path, value)| (path.into(), value)).collect());
        let folded = Folding::of(&graph).fold(&before).unwrap();
        let (after, moved) = absorbed(&graph, &before, folded).unwrap();
        let found = |path: &str| after.0[path].iter::<f32>().collect::<Vec<_>>();
        // c = 4 - 3 / 2; the second channel may well be below 0.
        assert_eq!((moved, found("a.bias"), found("b.bias")), (1, vec![1.5, 1.0], vec![5.25]));
        assert_eq!(found("c.bias"), [0.0]);
    }

    #[test]
    fn a_constant_that_is_called_like_a_bias_takes_nothing_over() {
        let mut g = Graph::builder([1, 4, 4]);
        let x = g.conv("a", g.input(), Conv::new(1, 1).no_bias());
        let x = g.batch_norm("bn", x);
        let x = g.relu(x);
        let x = g.conv("b", x, Conv::new(1, 1).no_bias());
        let shift = g.constant("b.bias", &[1], true);
        g.add(x, shift);
        let graph = g.finish().unwrap();
        let array = |shape: &[usize], value: f32| Array::new(shape, vec![value]).unwrap();
        let all = [
            ("a.weight", array(&[1, 1, 1, 1], 1.0)),
            ("bn.weight", array(&[1], 0.5)),
            ("bn.bias", array(&[1], 4.0)),
            ("bn.running_mean", array(&[1], 0.0)),
            ("bn.running_var", array(&[1], 1.0)),
            ("b.weight", array(&[1, 1, 1, 1], 2.0)),
            ("b.bias", array(&[1], 0.25)),
        ];
        let before = State(all.into_iter().map(|(path, value)| (path.into(), value)).collect());
        let folded = Folding::of(&graph).fold(&before).unwrap();
        assert_eq!(absorbed(&graph, &before, folded.clone()).unwrap(), (folded, 0));
    }
}
