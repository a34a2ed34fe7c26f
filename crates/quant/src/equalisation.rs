//! Layers whose channels have equal ranges.

use std::collections::BTreeSet;

use sapwood_graph::{Activation, Array, Graph, Op, ParamPath, State};

use crate::Error;

/// Cross-layer equalisation (Nagel et al. 2019, section 4.1): where a layer's outputs go through what commutes with
/// factors above 0 (ReLU, leaky and learnt ones, pooling) into one other layer, output `i` is divided by `s` and input
/// `i` multiplied by it, with `s = sqrt(r1 r2) / r2` of the ranges `r = max |w|` of both. What the network computes stays
/// the same, and scales for whole tensors fit all channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equalisation {
    pairs: Vec<[String; 2]>,
    /// The layers that have a bias: a constant may have the name of another's.
    biased: BTreeSet<String>,
}

/// Sweeps over all pairs at most, and the change of a factor below which they end.
const SWEEPS: usize = 20;
const CHANGE: f64 = 1e-3;

impl Equalisation {
    /// The pairs of layers of a network. What is cut off at 6 should be a plain ReLU: it does not commute.
    pub fn of(graph: &Graph) -> Self {
        let nodes = graph.nodes();
        let readers = |at: usize| (0..nodes.len()).filter(move |next| nodes[*next].inputs.contains(&at));
        let sole = |at: usize| {
            let mut all = readers(at);
            all.next().filter(|_| all.next().is_none() && !graph.ends().contains(&at))
        };
        let next_layer = |mut at: usize| loop {
            at = sole(at)?;
            match nodes[at].op {
                // Which input a weight reads does not follow from its place alone where groups have several.
                Op::Conv(spec) if spec.transposed.is_none() => {
                    return [1, spec.inputs].contains(&spec.groups).then_some(at);
                }
                Op::Linear { places: false, .. } => return Some(at),
                Op::Activation(Activation::Relu | Activation::LeakyRelu(_)) | Op::Prelu { .. } => {}
                Op::MaxPool(_) | Op::AvgPool(_) | Op::GlobalAvgPool | Op::Flatten => {}
                _ => return None,
            }
        };
        let is_layer = |op: &Op| match op {
            Op::Conv(spec) => spec.transposed.is_none(),
            Op::Linear { places, .. } => !places,
            _ => false,
        };
        let layers = (0..nodes.len()).filter(|at| is_layer(&nodes[*at].op));
        let pairs =
            layers.filter_map(|at| Some([nodes[at].name.clone(), nodes[next_layer(at)?].name.clone()]));
        let biased = nodes.iter().filter(|node| node.op.has_bias()).map(|node| node.name.clone());
        Self { pairs: pairs.collect(), biased: biased.collect() }
    }

    /// The pairs: a layer, and the one that alone reads it.
    pub fn pairs(&self) -> &[[String; 2]] {
        &self.pairs
    }

    /// Equalises the weights. Channels of which one side is all 0 stay as they are.
    ///
    /// # Errors
    /// A parameter that is not there.
    pub fn apply(&self, state: &mut State) -> Result<(), Error> {
        for _ in 0..SWEEPS {
            let mut change = 0.0f64;
            for [first, second] in &self.pairs {
                change = change.max(equalise(state, first, second, self.biased.contains(first))?);
            }
            if change < CHANGE {
                break;
            }
        }
        Ok(())
    }
}

/// Equalises two layers, of which the first may have a bias; gives the largest change of a factor.
fn equalise(state: &mut State, first: &str, second: &str, is_biased: bool) -> Result<f64, Error> {
    let lacks =
        |layer: &str| Error::Layer { layer: layer.into(), problem: "its `weight` is not there".into() };
    let path = |layer: &str, name: &str| ParamPath::from(format!("{layer}.{name}"));
    let one = state.0.get(&path(first, "weight")).ok_or_else(|| lacks(first))?;
    let two = state.0.get(&path(second, "weight")).ok_or_else(|| lacks(second))?;
    let outputs = one.shape()[0];
    let Some(input) = input_of(two.shape(), outputs) else { return Ok(0.0) };
    let rows = one.len() / outputs.max(1);
    let (mut ranges, mut reads) = (vec![0.0f64; outputs], vec![0.0f64; outputs]);
    one.iter::<f64>().enumerate().for_each(|(at, w)| ranges[at / rows] = ranges[at / rows].max(w.abs()));
    two.iter::<f64>().enumerate().for_each(|(at, w)| reads[input(at)] = reads[input(at)].max(w.abs()));
    let factor = |channel: usize| {
        let s = (ranges[channel] * reads[channel]).sqrt() / reads[channel];
        if s.is_finite() && s > 0.0 { s } else { 1.0 }
    };
    let factors: Vec<f64> = (0..outputs).map(factor).collect();
    let scaled = |array: &Array, by: &dyn Fn(usize) -> f64| {
        let values = array.iter::<f64>().enumerate().map(|(at, w)| (w * by(at)) as f32);
        Array::new(array.shape(), values.collect::<Vec<f32>>())
    };
    let new_one = scaled(one, &|at| 1.0 / factors[at / rows])?;
    let new_two = scaled(two, &|at| factors[input(at)])?;
    let bias = path(first, "bias");
    let old_bias = state.0.get(&bias).filter(|_| is_biased);
    let new_bias = old_bias.map(|bias| scaled(bias, &|at| 1.0 / factors[at])).transpose()?;
    state.0.insert(path(first, "weight"), new_one);
    state.0.insert(path(second, "weight"), new_two);
    state.0.extend(new_bias.map(|new| (bias, new)));
    Ok(factors.iter().fold(0.0, |most, s| most.max((s - 1.0).abs())))
}

/// For each weight of a layer the output of the layer before that it reads: of a depthwise convolution its own channel, of
/// a linear layer behind planes that of the plane.
pub(crate) fn input_of(shape: &[usize], channels: usize) -> Option<impl Fn(usize) -> usize + use<>> {
    let (outputs, inputs) = (shape[0], shape[1]);
    let kernel: usize = shape[2..].iter().product();
    let depthwise = inputs == 1 && channels > 1;
    let plane = inputs / channels.max(1);
    let divided = if depthwise { outputs } else { inputs };
    if !divided.is_multiple_of(channels) {
        return None;
    }
    let each = outputs / channels.max(1);
    Some(move |at: usize| match depthwise {
        true => at / kernel / each.max(1),
        false => at / kernel % inputs / plane.max(1),
    })
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{Conv, Factor};

    use super::*;

    #[test]
    fn both_sides_of_a_channel_get_the_same_range() {
        let mut g = Graph::builder([2, 1, 1]);
        let x = g.input();
        let x = g.linear("a", x, 2);
        let x = g.relu(x);
        g.linear("b", x, 2);
        let array = |shape: &[usize], values: &[f32]| Array::new(shape, values.to_vec()).unwrap();
        let mut state = State(
            [
                ("a.weight".into(), array(&[2, 2], &[2.0, -4.0, 0.5, 0.25])),
                ("a.bias".into(), array(&[2], &[1.0, 1.0])),
                ("b.weight".into(), array(&[2, 2], &[1.0, 8.0, -0.5, 2.0])),
            ]
            .into(),
        );
        Equalisation::of(&g.finish().unwrap()).apply(&mut state).unwrap();
        let found = |path: &str| state.0[path].iter::<f32>().collect::<Vec<_>>();
        // The factors are 2 and 1/4.
        assert_eq!(found("a.weight"), [1.0, -2.0, 2.0, 1.0]);
        assert_eq!(found("a.bias"), [0.5, 4.0]);
        assert_eq!(found("b.weight"), [2.0, 2.0, -1.0, 0.5]);
    }

    #[test]
    fn a_constant_that_is_called_like_a_bias_stays_as_it_is() {
        let mut g = Graph::builder([2, 1, 1]);
        let x = g.input();
        let x = g.op("a", Op::Linear { inputs: 2, outputs: 2, bias: false, places: false }, &[x]);
        let x = g.relu(x);
        let x = g.linear("b", x, 2);
        let shift = g.constant("a.bias", &[2], true);
        g.add(x, shift);
        let array = |shape: &[usize], values: &[f32]| Array::new(shape, values.to_vec()).unwrap();
        let mut state = State(
            [
                ("a.weight".into(), array(&[2, 2], &[2.0, -4.0, 0.5, 0.25])),
                ("a.bias".into(), array(&[2], &[1.0, 1.0])),
                ("b.weight".into(), array(&[2, 2], &[1.0, 8.0, -0.5, 2.0])),
                ("b.bias".into(), array(&[2], &[0.0, 0.0])),
            ]
            .into(),
        );
        Equalisation::of(&g.finish().unwrap()).apply(&mut state).unwrap();
        let found = |path: &str| state.0[path].iter::<f32>().collect::<Vec<_>>();
        assert_eq!((found("a.bias"), found("b.weight")), (vec![1.0, 1.0], vec![2.0, 2.0, -1.0, 0.5]));
    }

    #[test]
    fn pairs_are_what_one_layer_alone_reads_behind_what_commutes() {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("stem", g.input(), Conv::new(4, 3).same());
        let x = g.relu(x);
        let y = g.conv("dw", x, Conv::new(4, 3).same().groups(4));
        let y = g.relu(y);
        let y = g.conv("pw", y, Conv::new(4, 1));
        let x = g.add(x, y);
        let x = g.max_pool(x, 2, 2, 0);
        let x = g.conv("clipped", x, Conv::new(4, 1));
        let x = g.activation(x, Activation::Relu6);
        let x = g.conv("leaky", x, Conv::new(4, 1));
        let x = g.activation(x, Activation::LeakyRelu(Factor(0.1)));
        let x = g.conv("learnt", x, Conv::new(4, 1));
        let x = g.op("prelu", Op::Prelu { channels: 4 }, &[x]);
        let x = g.conv("grouped", x, Conv::new(4, 1).groups(2));
        let x = g.relu(x);
        let x = g.conv("in_two", x, Conv::new(4, 1).groups(2));
        let x = g.conv("last", x, Conv::new(5, 3));
        let x = g.activation(x, Activation::Relu);
        let x = g.flatten(x);
        g.linear("fc", x, 2);
        let pairs = Equalisation::of(&g.finish().unwrap()).pairs;
        let expected = [["dw", "pw"], ["leaky", "learnt"], ["in_two", "last"], ["last", "fc"]];
        assert_eq!(pairs, expected.map(|pair| pair.map(String::from)));
        let input = input_of(&[2, 20], 5).unwrap();
        assert_eq!([0, 3, 4, 19, 20, 39].map(input), [0, 0, 1, 4, 0, 4]);
        let depthwise = input_of(&[4, 1, 3, 3], 4).unwrap();
        assert_eq!([0, 8, 9, 35].map(depthwise), [0, 0, 1, 3]);
        assert!(input_of(&[2, 20], 3).is_none());
    }
}
