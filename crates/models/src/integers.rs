//! What a weight file with integers says.

use std::collections::BTreeMap;

use sapwood_core::{
    Graph, ParamPath, State, StateFile,
    graph::{Calibrated, Quantized, Ranges},
    tensor_data,
};

use crate::{
    Error,
    pytorch::{Node, Stored},
};

/// The parameters of a network that are integers with scales, and how its values are rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// The parameters.
    pub quantized: BTreeMap<ParamPath, Quantized>,
    /// The bounds of the values that are rounded, by [`Graph::value_names`].
    pub ranges: Ranges,
    /// How that was decided. Without it no value is rounded.
    pub calibrated: Option<Calibrated>,
}

impl Integers {
    /// Refuses ranges of values that the network does not have, or without a scheme for them.
    pub(crate) fn check(&self, graph: &Graph) -> Result<(), String> {
        let names = graph.value_names();
        match self.ranges.keys().find(|name| !names.contains(name)) {
            Some(name) => {
                Err(format!("it has the range of a value `{name}`, which the network does not have"))
            }
            None if self.calibrated.is_none() && !self.ranges.is_empty() => {
                Err("it has ranges of values and does not say how they are represented".into())
            }
            None => Ok(()),
        }
    }

    /// All values of the network, those that are integers as the numbers that they stand for.
    pub fn state(&self, rest: &State) -> State {
        let numbers = self.quantized.iter().map(|(path, value)| (path.clone(), value.dequantized()));
        State(rest.0.clone().into_iter().chain(numbers).collect())
    }

    /// The content of a weight file: these, the other parameters, and what opens them again.
    ///
    /// # Errors
    /// Options that cannot be written down.
    pub fn pack(self, file: StateFile) -> Result<StateFile, Error> {
        let Self { quantized, ranges, calibrated } = self;
        let mut metadata = file.metadata;
        calibrated.iter().try_for_each(|calibrated| calibrated.put(&mut metadata))?;
        let mut state = file.state;
        state.0.retain(|path, _| !quantized.contains_key(path));
        Ok(StateFile { state, quantized, ranges, metadata, ..file })
    }
}

/// The tensors of a file of ours with integers, each in the numbers that it stands for, and the integers; `None`
/// for a file without any.
pub(crate) fn read(
    bytes: &[u8],
    tensors: &Node,
) -> Result<Option<(Node, Integers)>, sapwood_core::graph::Error> {
    let Node::Dictionary(named) = tensors else { return Ok(None) };
    if !named.iter().any(|(name, _)| name.ends_with("_scale")) {
        return Ok(None);
    }
    let StateFile { state, quantized, masks, ranges, .. } = StateFile::from_bytes(bytes)?;
    if quantized.is_empty() {
        return Ok(None);
    }
    let integers = Integers { quantized, ranges, calibrated: None };
    let state = integers.state(&state);
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
    Ok(Some((Node::Dictionary(values.chain(masks).collect()), integers)))
}
