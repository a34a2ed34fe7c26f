//! Whether two networks give the same answers, however each is put together.

use burn::prelude::Device;
#[cfg(not(target_family = "wasm"))]
use burn::tensor::{Int, Tensor, TensorData};
use sapwood_backend::DeviceSpec;
#[cfg(not(target_family = "wasm"))]
use sapwood_core::{Entry, ModuleState as _};
use sapwood_core::{Graph, State, graph::QuantizedNetwork};
use sapwood_runtime::Runtime;

use crate::Error;
#[cfg(not(target_family = "wasm"))]
use crate::{Net, Value};

/// Examples that are compared: several, since what belongs to one of them must not be another's, and some may give nothing.
const EXAMPLES: usize = 8;
/// How far apart outputs may be, by their norms: sums in another order are about so far in f32.
const APART: f64 = 1e-5;
/// The same of integers: biases are whole multiples of a step in a file, and may be none in the network.
const APART_IN_INTEGERS: f64 = 1e-2;

/// Whether two networks with these values give the same outputs to drawn inputs. False where one of them cannot run on
/// this machine's CPU.
pub(crate) fn agree(one: (&Graph, &State), other: (&Graph, &State)) -> bool {
    let Ok(device) = DeviceSpec::CPU.resolve() else { return false };
    if one.0.entries() != other.0.entries() {
        return false;
    }
    let both = [one, other].map(|(graph, state)| outputs(graph, state, &device));
    let [Ok(one), Ok(other)] = both else { return false };
    let alike =
        one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| near(one, other, APART));
    alike && one.iter().any(|row| tells(row))
}

/// The same of networks of integers, by the runtime.
pub(crate) fn agree_in_integers(one: &QuantizedNetwork, other: &QuantizedNetwork) -> bool {
    let image = |network: &QuantizedNetwork| {
        let grid = network.grids.get(&0).copied();
        let size = network.graph.input().iter().product::<usize>();
        let number = |draw: f64| match grid {
            Some(grid) => {
                let [low, high] = grid.integers().map(f64::from);
                grid.number((low + draw * (high - low)).round() as i32)
            }
            None => (2.0 * draw - 1.0) as f32,
        };
        drawn(EXAMPLES * size).map(number).collect::<Vec<f32>>()
    };
    let images = image(one);
    let both = [one, other].map(|network| {
        let plan = Runtime::new().batch(EXAMPLES).plan_integers(network)?;
        Ok::<_, sapwood_runtime::Error>(plan.session()?.run(&images)?.to_vec())
    });
    let [Ok(one), Ok(other)] = both else { return false };
    near(&one, &other, APART_IN_INTEGERS) && tells(&one)
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

/// All outputs of a network, row by row.
#[cfg(not(target_family = "wasm"))]
fn outputs(graph: &Graph, state: &State, device: &Device) -> Result<Vec<Vec<f32>>, Error> {
    let net = state.write(Net::new(graph.clone(), device))?;
    let inputs = graph.entries().iter().map(|entry| input(entry, device)).collect();
    let found = net.run_all(inputs, &mut sapwood_core::Pass::evaluate())?;
    let row = |value: Value| {
        let row = sapwood_backend::block_on(sapwood_backend::read(value.into_row()));
        row.map(|row| row.iter::<f32>().collect())
    };
    let rows: Result<_, sapwood_backend::Error> = found.into_iter().map(row).collect();
    rows.map_err(|error| Error::Core(error.into()))
}

/// Nobody waits for a device in a browser: there, networks agree that have the same layers.
#[cfg(target_family = "wasm")]
fn outputs(_: &Graph, _: &State, _: &Device) -> Result<Vec<Vec<f32>>, Error> {
    Err(Error::ReadBack)
}

#[cfg(not(target_family = "wasm"))]
fn input(entry: &Entry, device: &Device) -> Value {
    let mut sizes = entry.dims.sizes().to_vec();
    if let Some(batch) = entry.dims.batch() {
        sizes[batch] *= EXAMPLES;
    }
    let count = sizes.iter().product();
    match entry.integers {
        // The first rows of whatever table they are looked up in.
        true => {
            let integers: Vec<i64> = drawn(count).map(|draw| i64::from(draw > 0.5)).collect();
            Value::of_integers(
                Tensor::<1, Int>::from_data(TensorData::new(integers, [count]), device),
                &sizes,
            )
        }
        false => {
            let numbers: Vec<f32> = drawn(count).map(|draw| (2.0 * draw - 1.0) as f32).collect();
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
    fn networks_agree_that_answer_alike_however_they_are_put_together() {
        let [one, other] = [true, false].map(network);
        let agrees = |weight| agree((&one, &of(&one, 1.0)), (&other, &of(&other, weight)));
        assert_eq!((agrees(1.0), agrees(1.001)), (true, false));
        let dead = [&one, &other].map(|graph| of(graph, 0.0));
        assert!(!agree((&one, &dead[0]), (&other, &dead[1])), "outputs that say nothing of the input");
        let mut g = Graph::builder([2, 4, 3]);
        let x = g.flatten(g.input());
        g.linear("fc", x, 3);
        let larger = g.finish().unwrap();
        assert!(!agree((&one, &of(&one, 1.0)), (&larger, &state(1.0))), "other inputs");
    }
}
