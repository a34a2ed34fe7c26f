//! From a network on paper to a file.

mod attention;
mod curves;
mod file;
mod forms;
mod lattice;
mod nodes;
mod norms;
mod operators;
mod options;
mod pairs;
mod params;
mod weights;
mod whole;
mod windows;
mod writing;

use sapwood_graph::{Dims, Graph, Node, Op, QuantizedNetwork, State};

use crate::{Error, classes::are_classes};
use file::channels_last;
use lattice::Lattice;
use nodes::write;
pub use options::{Form, Options, Weights};
use params::params;
use writing::Writing;

/// The bytes of an ONNX file that computes what the network does, for any number of examples of the shapes
/// for which the graph was built, with inputs under their names and weights under theirs. Zeros of masked
/// weights are stored like any other.
///
/// # Errors
/// All layers that have no form in ONNX at this opset, in one; values that do not fit the layers.
pub fn export(graph: &Graph, state: &State, options: &Options) -> Result<Vec<u8>, Error> {
    all(graph, options, |to, _, node| {
        if node.op == Op::Input {
            return Ok(Ok(to.input()));
        }
        Ok(write(to, node, &params(node, |path| state.0.get(path))?))
    })
}

/// The bytes of an ONNX file that computes what a network of integers does, as [`export`] says. Weights are stored in
/// their integers (of 4 bits from opset 21 on, and before in a byte each), biases in those of 32 bits that are added
/// to the sums; layers without integers stay as they are.
///
/// ONNX rounds to all integers of a type: what lies beyond the lowest number of symmetric integers, -127, is -128 there.
/// Operations on integers say no activation that rounding does: read again it is a ReLU, or a ReLU6 where the largest
/// integer stands for 6, and stands right behind what it cuts off.
///
/// ```
/// # use sapwood_graph::{Array, Graph, Grid, Per, Quantized, QuantizedNetwork, State};
/// use sapwood_onnx::{Form, Options, export_quantized, import};
/// # fn network() -> QuantizedNetwork {
/// #     let mut g = Graph::builder([3, 1, 1]);
/// #     g.linear("fc", g.input(), 2);
/// #     let weight = Array::new([2, 3], vec![1i8, -2, 3, 4, -5, 6]).unwrap();
/// #     let scale = Array::new([2], vec![0.5f32, 0.25]).unwrap();
/// #     let weight = Quantized::new(weight, Per::Axis(0), scale, None).unwrap();
/// #     QuantizedNetwork {
/// #         graph: g.finish().unwrap(),
/// #         weights: [("fc.weight".into(), weight)].into(),
/// #         rest: State([("fc.bias".into(), Array::new([2], vec![0.5f32, -1.0]).unwrap())].into()),
/// #         grids: [(0, Grid::new(0.5, 3, [0, 255]).unwrap())].into(),
/// #         dynamic: Default::default(),
/// #     }
/// # }
///
/// let network: QuantizedNetwork = network();
/// let bytes = export_quantized(&network, Form::Qdq, &Options::default())?;
/// let found = import(&bytes)?.quantized().expect("a network of integers");
/// assert_eq!((found.weights, found.grids), (network.weights, network.grids));
/// # Ok::<(), sapwood_onnx::Error>(())
/// ```
///
/// # Errors
/// All layers that have no such form in ONNX at this opset, in one; values that do not fit the layers.
pub fn export_quantized(network: &QuantizedNetwork, form: Form, options: &Options) -> Result<Vec<u8>, Error> {
    let lattice = Lattice::of(network);
    all(&network.graph, options, |to, at, node| {
        let value =
            |path: &_| network.rest.0.get(path).or_else(|| network.weights.get(path).map(|w| w.values()));
        let params = params(node, value)?;
        Ok(match form {
            Form::Qdq => pairs::write(to, (network, &lattice), at, &params),
            Form::QOperator => operators::write(to, (network, &lattice), at, &params),
        })
    })
}

/// Writes each node, and ends the file. What writes one gives the name of its value, or says why there is none.
fn all<'s>(
    graph: &'s Graph,
    options: &Options,
    mut one: impl FnMut(&mut Writing<'s>, usize, &'s Node) -> Result<Result<String, String>, Error>,
) -> Result<Vec<u8>, Error> {
    let opset = options.opset;
    if !(crate::FIRST_WRITTEN..=crate::LAST_OPSET).contains(&opset) {
        return Err(Error::WrittenOpset { found: opset });
    }
    let refuse = |why| Error::Unwritable { opset, layers: vec![why], later: None };
    check_images(graph, options).map_err(refuse)?;
    check_integers(graph, options).map_err(refuse)?;
    let mut writing = Writing::new(graph, options)?;
    let (mut layers, mut later) = (Vec::new(), Some(opset));
    for (at, node) in graph.nodes().iter().enumerate() {
        let value = one(&mut writing, at, node)?.unwrap_or_else(|why| {
            layers.push(format!("layer `{}` {why}", node.name));
            later = later.zip(writing.later.take()).map(|(all, this)| all.max(this));
            String::new()
        });
        writing.values.push(value);
    }
    if !layers.is_empty() {
        return Err(Error::Unwritable { opset, layers, later });
    }
    if options.softmax {
        check_classes(graph.ends(), &writing.dims).map_err(refuse)?;
    }
    for (at, end) in graph.ends().iter().enumerate() {
        writing.numbers_of(*end).map_err(refuse)?;
        writing.end(at, *end, options);
    }
    Ok(writing.into_file(graph, options))
}

/// Refuses channels that come last in what are no images.
fn check_images(graph: &Graph, options: &Options) -> Result<(), String> {
    for name in &options.channels_last {
        let entry = graph.entries().iter().find(|entry| entry.name == *name && !entry.integers);
        if entry.is_none_or(|entry| channels_last(&entry.dims).is_none()) {
            let found = entry.map_or_else(|| "no such".into(), |entry| entry.dims.to_string());
            return Err(format!(
                "channels come last in images: expected an input `{name}` of [n, C, H, W], found {found}"
            ));
        }
    }
    Ok(())
}

/// Refuses 32 bits for inputs that are no integers.
fn check_integers(graph: &Graph, options: &Options) -> Result<(), String> {
    for name in &options.int32 {
        let entry = graph.entries().iter().find(|entry| entry.name == *name);
        if entry.is_none_or(|entry| !entry.integers) {
            let found = if entry.is_some() { "one of numbers" } else { "no such" };
            return Err(format!(
                "integers may have 32 bits: expected an input `{name}` of integers, found {found}"
            ));
        }
    }
    Ok(())
}

/// Refuses ends behind which [`crate::import`] leaves out no softmax.
fn check_classes(ends: &[usize], dims: &[Dims]) -> Result<(), String> {
    let found = match *ends {
        [end] if are_classes(&dims[end]) => return Ok(()),
        [end] => format!("an output of {}", dims[end]),
        _ => format!("{} outputs", ends.len()),
    };
    Err(format!(
        "a softmax at the end of the file is over classes: expected a number for each, found {found}"
    ))
}
