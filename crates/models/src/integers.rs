//! What a weight file with integers says.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_core::{
    Graph, ParamPath, State, StateFile,
    graph::{Calibrated, Grid, Quantized, QuantizedNetwork, Ranges, grids},
    tensor_data,
};

use crate::{
    Error,
    pytorch::{Node, Stored},
};

/// What of a network is in integers: parameters with scales, and the values that are rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// The parameters.
    pub quantized: BTreeMap<ParamPath, Quantized>,
    /// The grids on which values lie, by the nodes that they leave.
    pub grids: BTreeMap<usize, Grid>,
    /// Linear layers whose inputs are rounded row by row, between the bounds of each.
    pub dynamic: BTreeSet<String>,
}

impl Integers {
    /// The network of integers, of all parameters of the network that was opened.
    pub fn network(&self, graph: Graph, mut state: State) -> QuantizedNetwork {
        state.0.retain(|path, _| !self.quantized.contains_key(path));
        let Self { quantized: weights, grids, dynamic } = self.clone();
        QuantizedNetwork { graph, weights, rest: state, grids, dynamic }
    }
}

/// A weight file with integers in the place of parameters, the bounds of the values that are rounded, and how all that
/// was decided.
///
/// # Errors
/// Metadata that are no object.
pub fn pack_integers(
    file: StateFile,
    quantized: BTreeMap<ParamPath, Quantized>,
    ranges: Ranges,
    calibrated: &Calibrated,
) -> Result<StateFile, Error> {
    let (mut metadata, mut state) = (file.metadata, file.state);
    calibrated.put(&mut metadata)?;
    state.0.retain(|path, _| !quantized.contains_key(path));
    Ok(StateFile { state, quantized, ranges, metadata, ..file })
}

/// What a file has in integers, before its network is known.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Of a file of ours: parameters, and the bounds of values by [`Graph::value_names`].
    Ours { quantized: BTreeMap<ParamPath, Quantized>, ranges: Ranges },
    /// Of an ONNX file, which states the grids.
    Onnx(Integers),
}

impl Found {
    /// Of a network, as the file says how its values are represented. Where it does not, none is rounded.
    pub(crate) fn of(self, graph: &Graph, calibrated: Option<Calibrated>) -> Result<Integers, String> {
        let (quantized, ranges) = match self {
            Self::Onnx(integers) => return Ok(integers),
            Self::Ours { quantized, ranges } => (quantized, ranges),
        };
        let names = graph.value_names();
        if let Some(name) = ranges.keys().find(|name| !names.contains(name)) {
            return Err(format!("it has the range of a value `{name}`, which the network does not have"));
        }
        let (grids, dynamic) = match calibrated {
            Some(Calibrated { activations, dynamic, .. }) => {
                (grids(graph, &ranges, activations).map_err(|error| error.to_string())?, dynamic)
            }
            None if ranges.is_empty() => Default::default(),
            None => return Err("it has ranges of values and does not say how they are represented".into()),
        };
        Ok(Integers { quantized, grids, dynamic })
    }
}

/// The tensors of a file of ours with integers, each in the numbers that it stands for, and the integers; `None`
/// for a file without any.
pub(crate) fn read(
    bytes: &[u8],
    tensors: &Node,
) -> Result<Option<(Node, Found)>, sapwood_core::graph::Error> {
    let Node::Dictionary(named) = tensors else { return Ok(None) };
    if !named.iter().any(|(name, _)| name.ends_with("_scale")) {
        return Ok(None);
    }
    let StateFile { state, quantized, masks, ranges, .. } = StateFile::from_bytes(bytes)?;
    if quantized.is_empty() {
        return Ok(None);
    }
    let numbers = quantized.iter().map(|(path, value)| (path.clone(), value.dequantized()));
    let state = State(state.0.into_iter().chain(numbers).collect());
    let masks = masks.iter().map(|(path, mask)| {
        let shape = state.0.get(path).map_or_else(|| vec![mask.len()], |value| value.shape().to_vec());
        let values = burn::tensor::TensorData::new(mask.iter().collect::<Vec<bool>>(), shape);
        (format!("{path}_mask"), Node::Tensor(Stored::Value(values)))
    });
    let masks: Vec<_> = masks.collect();
    let values = state
        .0
        .into_iter()
        .map(|(path, value)| (path.to_string(), Node::Tensor(Stored::Value(tensor_data(value)))));
    Ok(Some((Node::Dictionary(values.chain(masks).collect()), Found::Ours { quantized, ranges })))
}
