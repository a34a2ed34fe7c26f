//! From a network on paper to a file.

mod curves;
mod file;
mod forms;
mod nodes;
mod norms;
mod params;
mod windows;
mod writing;

use std::collections::BTreeMap;

use sapwood_graph::{Graph, Op, State};

use crate::Error;
use nodes::write;
use params::params;
use writing::Writing;

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the operations, from 17 to [`crate::LAST_OPSET`]. Most readers know 18.
    pub opset: i64,
    /// How the weights of convolutions, linear layers and tables are stored. All else is in f32, and so is what is
    /// computed with them.
    pub weights: Weights,
    /// What the outputs are called. Those that it does not name are `logits` if there is one, and else `output_0`
    /// and so on.
    pub outputs: Vec<String>,
    /// What the file is to say of itself, for whoever reads it: [`crate::Imported::metadata`].
    pub metadata: BTreeMap<String, String>,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// In 32 bits.
    #[default]
    F32,
    /// Rounded to 16 bits, which halves the file.
    F16,
}

impl Default for Options {
    fn default() -> Self {
        Self { opset: 18, weights: Weights::F32, outputs: Vec::new(), metadata: BTreeMap::new() }
    }
}

/// The bytes of an ONNX file that computes what the network does, for any number of examples of the shapes
/// for which the graph was built, with inputs under their names and weights under theirs. Zeros of masked
/// weights are stored like any other.
///
/// # Errors
/// All layers that have no form in ONNX at this opset, in one; values that do not fit the layers.
pub fn export(graph: &Graph, state: &State, options: &Options) -> Result<Vec<u8>, Error> {
    let opset = options.opset;
    if !(crate::FIRST_WRITTEN..=crate::LAST_OPSET).contains(&opset) {
        return Err(Error::WrittenOpset { found: opset });
    }
    let mut writing = Writing::new(graph, options)?;
    let mut layers = Vec::new();
    for node in graph.nodes() {
        if node.op == Op::Input {
            writing.input();
            continue;
        }
        let value = match write(&mut writing, node, &params(node, state)?) {
            Ok(value) => value,
            Err(why) => {
                layers.push(format!("layer `{}` {why}", node.name));
                String::new()
            }
        };
        writing.values.push(value);
    }
    if !layers.is_empty() {
        return Err(Error::Unwritable { opset, layers });
    }
    for (at, end) in graph.ends().iter().enumerate() {
        writing.end(at, *end);
    }
    Ok(writing.into_file(graph, options))
}
