//! From a network on paper to a file.

mod file;
mod nodes;
mod writing;

use std::collections::BTreeMap;

use sapwood_graph::{Array, Graph, Op, ParamPath, State};

use crate::Error;
use nodes::write;
use writing::Writing;

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the operations, from 17 to [`crate::LAST_OPSET`]. Most readers know 18.
    pub opset: i64,
    /// What the file is to say of itself, for whoever reads it: [`crate::Imported::metadata`].
    pub metadata: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { opset: 18, metadata: BTreeMap::new() }
    }
}

/// The first opset that is written.
pub(crate) const FIRST_WRITTEN: i64 = 17;

/// The bytes of an ONNX file that computes what the network does, for any number of examples of the shape
/// for which the graph was built: input `input`, output `logits`, weights in f32 under their names. Zeros of masked
/// weights are stored like any other.
///
/// # Errors
/// All layers that have no form in ONNX at this opset, in one; values that do not fit the layers.
pub fn export(graph: &Graph, state: &State, options: &Options) -> Result<Vec<u8>, Error> {
    let opset = options.opset;
    if !(FIRST_WRITTEN..=crate::LAST_OPSET).contains(&opset) {
        return Err(Error::WrittenOpset { found: opset });
    }
    let shapes = graph.shapes(graph.input())?;
    let mut writing = Writing::new(opset, graph.input());
    let mut layers = Vec::new();
    for (at, node) in graph.nodes().iter().enumerate().skip(1) {
        let value = match write(&mut writing, node, &shapes, &params(node, state)?) {
            Ok(value) => value,
            Err(why) => {
                layers.push(format!("layer `{}` {why}", node.name));
                writing.nothing(shapes[at])
            }
        };
        writing.values.push(value);
    }
    if !layers.is_empty() {
        return Err(Error::Unwritable { opset, layers });
    }
    writing.end();
    Ok(writing.into_file(options, graph.outputs()?))
}

/// The values of a layer's parameters, in the order in which ONNX wants them.
fn params<'s>(node: &sapwood_graph::Node, state: &'s State) -> Result<Vec<(String, &'s Array)>, Error> {
    let (shape, bias): (Vec<usize>, bool) = match node.op {
        Op::Conv(spec) => (spec.weight(), spec.bias),
        Op::Linear { inputs, outputs, bias, .. } => (vec![outputs, inputs], bias),
        Op::BatchNorm { channels, .. } => (vec![channels], true),
        _ => return Ok(vec![]),
    };
    let row = vec![shape[0]];
    let mut wanted = vec![("weight", shape)];
    wanted.extend(bias.then(|| ("bias", row.clone())));
    if let Op::BatchNorm { .. } = node.op {
        wanted.extend(["running_mean", "running_var"].map(|name| (name, row.clone())));
    }
    let mut mismatch = sapwood_graph::Mismatch::default();
    let mut found = Vec::new();
    for (name, shape) in wanted {
        let path = ParamPath::from(format!("{}.{name}", node.name));
        match state.0.get(&path) {
            Some(value) if value.shape() == shape => found.push((path.to_string(), value)),
            Some(value) => mismatch.misshapen.push((path, shape, value.shape().to_vec())),
            None => mismatch.missing.push(path),
        }
    }
    match mismatch.is_empty() {
        true => Ok(found),
        false => Err(sapwood_graph::Error::Mismatch(mismatch).into()),
    }
}
