//! Whether two networks give the same answers, however each is put together.

use std::collections::BTreeMap;

use burn::prelude::Device;
#[cfg(not(target_family = "wasm"))]
use burn::tensor::{Int, Tensor, TensorData};
use sapwood_backend::DeviceSpec;
#[cfg(not(target_family = "wasm"))]
use sapwood_core::{Entry, ModuleState as _, Op, Pass, Tap};
use sapwood_core::{
    Graph, State,
    graph::{Grid, QuantizedNetwork},
};
use sapwood_runtime::Runtime;

use crate::Error;
#[cfg(not(target_family = "wasm"))]
use crate::{Net, Value};

/// Examples that are compared: several, since what belongs to one of them must not be another's, and some may give nothing.
const EXAMPLES: usize = 8;
/// The sizes of inputs that are tried until some make a difference: those of normalised images, and of stored ones, which a
/// network scales itself.
const SIZES: [f64; 2] = [1.0, 255.0];
/// How far apart outputs may be, by their norms: sums in another order are about so far in f32.
const APART: f64 = 1e-5;
/// The same of integers: biases are whole multiples of a step in a file, and may be none in the network.
const APART_IN_INTEGERS: f64 = 1e-2;

/// What two networks answered to the same drawn inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// The same.
    Alike,
    /// Others, or one of them cannot run on this machine's CPU.
    Different,
    /// One answer to all inputs, which says nothing of what is between.
    Mute,
}

impl Answers {
    fn of(are_near: bool, tell: bool) -> Self {
        match (are_near, tell) {
            (true, true) => Self::Alike,
            (true, false) => Self::Mute,
            (false, _) => Self::Different,
        }
    }

    /// Refuses all but the same.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Alike => Ok(()),
            Self::Different => Err(Error::ReadBack),
            Self::Mute => Err(Error::Mute),
        }
    }
}

/// Whether two networks with these values give the same outputs to drawn inputs.
pub(crate) fn agree(one: (&Graph, &State), other: (&Graph, &State)) -> Answers {
    let unrounded = BTreeMap::new();
    agree_rounded([one, other].map(|(graph, state)| (graph, state, &unrounded)), SIZES[0], APART)
}

/// A network with its values, and the grids to which it rounds what leaves its nodes.
type Rounded<'n> = (&'n Graph, &'n State, &'n BTreeMap<usize, Grid>);

/// Whether the outputs of two are no further apart.
fn agree_rounded(both: [Rounded<'_>; 2], size: f64, most: f64) -> Answers {
    let Ok(device) = DeviceSpec::CPU.resolve() else { return Answers::Different };
    if both[0].0.entries() != both[1].0.entries() {
        return Answers::Different;
    }
    let [Ok(one), Ok(other)] = both.map(|network| outputs(network, size, &device)) else {
        return Answers::Different;
    };
    let alike = one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| near(one, other, most));
    Answers::of(alike, one.iter().any(|row| tells(row)))
}

/// The same of networks of integers: by the runtime, or in floating point where it has no kernel for an operation, such as
/// a table of tokens.
pub(crate) fn agree_in_integers(one: &QuantizedNetwork, other: &QuantizedNetwork) -> Answers {
    let answers = SIZES.map(|size| move || agree_at(size, one, other));
    answers.into_iter().map(|at| at()).find(|answers| *answers != Answers::Mute).unwrap_or(Answers::Mute)
}

/// The same for inputs between this number and the same below 0, where they are not rounded themselves.
fn agree_at(most: f64, one: &QuantizedNetwork, other: &QuantizedNetwork) -> Answers {
    let image = |network: &QuantizedNetwork| {
        let grid = network.grids.get(&0).copied();
        let size = network.graph.input().iter().product::<usize>();
        let number = |draw: f64| match grid {
            Some(grid) => {
                let [low, high] = grid.integers().map(f64::from);
                grid.number((low + draw * (high - low)).round() as i32)
            }
            None => (most * (2.0 * draw - 1.0)) as f32,
        };
        drawn(EXAMPLES * size).map(number).collect::<Vec<f32>>()
    };
    let images = image(one);
    let both = [one, other].map(|network| {
        let plan = Runtime::new().batch(EXAMPLES).plan_integers(network)?;
        Ok::<_, sapwood_runtime::Error>(plan.session()?.run(&images)?.to_vec())
    });
    if let [Ok(one), Ok(other)] = both {
        return Answers::of(near(&one, &other, APART_IN_INTEGERS), tells(&one));
    }
    let [of_one, of_other] = [one, other].map(numbers);
    let both = [(&one.graph, &of_one, &one.grids), (&other.graph, &of_other, &other.grids)];
    agree_rounded(both, most, APART_IN_INTEGERS)
}

/// The values of all parameters, of integers the numbers that they stand for.
fn numbers(network: &QuantizedNetwork) -> State {
    let weights = network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized()));
    State(network.rest.0.clone().into_iter().chain(weights).collect())
}

/// Numbers from 0 to 1 that lie everywhere: multiples of the golden ratio.
fn drawn(count: usize) -> impl Iterator<Item = f64> {
    (1..=count).map(|at| (at as f64 * 0.618_033_988_749_895).fract())
}

/// Whether the outputs of examples differ: otherwise nothing of what is between was seen.
fn tells(outputs: &[f32]) -> bool {
    let each = (outputs.len() / EXAMPLES).max(1);
    outputs.chunks(each).any(|row| row != &outputs[..each])
}

fn near(one: &[f32], other: &[f32], most: f64) -> bool {
    let norm = |all: &mut dyn Iterator<Item = f64>| all.map(|x| x * x).sum::<f64>().sqrt();
    let apart = norm(&mut one.iter().zip(other).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let size = norm(&mut one.iter().map(|x| f64::from(*x)));
    one.len() == other.len() && apart <= most * size.max(f64::MIN_POSITIVE)
}

/// Rounds values to their grids as they pass.
#[cfg(not(target_family = "wasm"))]
struct Rounding<'g>(&'g BTreeMap<usize, Grid>);

#[cfg(not(target_family = "wasm"))]
impl Tap for Rounding<'_> {
    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        let Some(grid) = self.0.get(&node) else { return value };
        let [low, high] = grid.integers().map(|q| f64::from(grid.number(q)));
        let scale = f64::from(grid.scale());
        (value.clamp(low, high) / scale).round() * scale
    }
}

/// All outputs of a network, row by row.
#[cfg(not(target_family = "wasm"))]
fn outputs((graph, state, grids): Rounded<'_>, size: f64, device: &Device) -> Result<Vec<Vec<f32>>, Error> {
    let net = state.write(Net::new(graph.clone(), device))?;
    let entries = graph.entries().iter().enumerate();
    let inputs = entries.map(|(at, entry)| input(entry, rows(graph, at), size, device)).collect();
    let found = match grids.is_empty() {
        true => net.run_all(inputs, &mut Pass::evaluate())?,
        // Of what is computed together the values between would not be rounded.
        false => net.node_by_node().run_all(inputs, &mut Pass::evaluate().with_tap(&mut Rounding(grids)))?,
    };
    let row = |value: Value| {
        let row = sapwood_backend::block_on(sapwood_backend::read(value.into_row()));
        row.map(|row| row.iter::<f32>().collect())
    };
    let rows: Result<_, sapwood_backend::Error> = found.into_iter().map(row).collect();
    rows.map_err(|error| Error::Core(error.into()))
}

/// Nobody waits for a device in a browser: there, networks agree that have the same layers.
#[cfg(target_family = "wasm")]
fn outputs(_: Rounded<'_>, _: f64, _: &Device) -> Result<Vec<Vec<f32>>, Error> {
    Err(Error::ReadBack)
}

/// The rows of the smallest table in which this input is looked up.
#[cfg(not(target_family = "wasm"))]
fn rows(graph: &Graph, entry: usize) -> usize {
    let nodes = || graph.nodes().iter().enumerate();
    let input = nodes().filter(|(_, node)| node.op == Op::Input).nth(entry).map(|(at, _)| at);
    let tables = nodes().filter_map(|(_, node)| match node.op {
        Op::Embedding { entries, .. } if node.inputs.first().copied() == input => Some(entries),
        _ => None,
    });
    tables.min().unwrap_or(2)
}

#[cfg(not(target_family = "wasm"))]
fn input(entry: &Entry, rows: usize, most: f64, device: &Device) -> Value {
    let mut sizes = entry.dims.sizes().to_vec();
    if let Some(batch) = entry.dims.batch() {
        sizes[batch] *= EXAMPLES;
    }
    let count = sizes.iter().product();
    match entry.integers {
        true => {
            let integers: Vec<i64> = drawn(count).map(|draw| (draw * rows as f64) as i64).collect();
            Value::of_integers(
                Tensor::<1, Int>::from_data(TensorData::new(integers, [count]), device),
                &sizes,
            )
        }
        false => {
            let numbers: Vec<f32> = drawn(count).map(|draw| (most * (2.0 * draw - 1.0)) as f32).collect();
            Value::of_row(Tensor::<1>::from_floats(numbers.as_slice(), device), &sizes)
        }
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::{Array, Conv};

    use super::*;

    /// A convolution, a ReLU and a linear layer, in two ways to write it: the ReLU as itself or as a largest value.
    fn network(is_relu: bool) -> Graph {
        let mut g = Graph::builder([2, 3, 3]);
        let x = g.conv("conv", g.input(), Conv::new(4, 3));
        let x = match is_relu {
            true => g.relu(x),
            false => {
                let zero = g.constant("zero", &[1, 1, 1], false);
                g.binary(x, zero, sapwood_core::Binary::Max)
            }
        };
        let x = g.flatten(x);
        g.linear("fc", x, 3);
        g.finish().unwrap()
    }

    fn state(weight: f32) -> State {
        let value = |at: usize| ((at * 37 + 11) % 19) as f32 / 9.5 - 1.0;
        State(
            [
                ("conv.weight".into(), Array::from_fn([4, 2, 3, 3], value)),
                ("conv.bias".into(), Array::from_fn([4], value)),
                ("fc.weight".into(), Array::from_fn([3, 4], |at| weight * value(at))),
                ("fc.bias".into(), Array::from_fn([3], value)),
                ("zero".into(), Array::from_fn([1, 1, 1], |_| 0.0f32)),
            ]
            .into(),
        )
    }

    fn of(graph: &Graph, weight: f32) -> State {
        let mut state = state(weight);
        if !graph.nodes().iter().any(|node| node.name == "zero") {
            state.0.remove("zero");
        }
        state
    }

    #[test]
    fn a_network_that_scales_stored_images_is_seen_to_agree_with_itself() {
        let mut g = Graph::builder([1, 2, 2]);
        let factor = g.constant("factor", &[1], false);
        let x = g.binary(g.input(), factor, sapwood_core::Binary::Mul);
        let x = g.flatten(x);
        g.linear("fc", x, 3);
        let graph = g.finish().unwrap();
        let scaled = graph.nodes().iter().position(|node| matches!(node.op, Op::Binary(_))).unwrap();
        let weight = Array::from_fn([3, 4], |at| (at as i32 * 5 - 30) as i8);
        let per = sapwood_core::graph::Per::Tensor;
        let weight = sapwood_core::graph::Quantized::new(weight, per, Array::from_fn([], |_| 0.01f32), None);
        let rest =
            [("factor", Array::from_fn([1], |_| 1e-3f32)), ("fc.bias", Array::from_fn([3], |_| 0.5f32))];
        let network = QuantizedNetwork {
            graph,
            weights: [("fc.weight".into(), weight.unwrap())].into(),
            rest: State(rest.map(|(path, value)| (path.into(), value)).into()),
            grids: [(scaled, Grid::new(0.005, 0, [-128, 127]).unwrap())].into(),
            dynamic: std::collections::BTreeSet::new(),
        };
        assert_eq!(agree_at(1.0, &network, &network), Answers::Mute);
        assert_eq!(agree_in_integers(&network, &network), Answers::Alike);
    }

    #[test]
    fn networks_agree_that_answer_alike_however_they_are_put_together() {
        let [one, other] = [true, false].map(network);
        let agrees = |weight| agree((&one, &of(&one, 1.0)), (&other, &of(&other, weight)));
        assert_eq!((agrees(1.0), agrees(1.001)), (Answers::Alike, Answers::Different));
        let dead = [&one, &other].map(|graph| of(graph, 0.0));
        assert_eq!(agree((&one, &dead[0]), (&other, &dead[1])), Answers::Mute);
        let mut g = Graph::builder([2, 4, 3]);
        let x = g.flatten(g.input());
        g.linear("fc", x, 3);
        let larger = g.finish().unwrap();
        assert_eq!(agree((&one, &of(&one, 1.0)), (&larger, &state(1.0))), Answers::Different, "other inputs");
    }
}
