//! Single tensors in files: inputs and outputs of a network.

use std::{collections::BTreeSet, path::Path};

use burn::prelude::{Device, Int};
use burn::tensor::{Tensor, TensorData};
use sapwood_core::{Entry, Graph, State, StateFile, array, tensor_data, write_atomic};
use sapwood_models::Value;

use crate::{ArrayFile, Error, Takes, takes::wrong_token};

/// Reads what a network is to be run on: the tensor `input` (or `x`) of a safetensors file or of NumPy's `.npz`, or the
/// array of a `.npy`; see [`Takes`].
///
/// # Shapes
/// `[N, C, H, W]`
///
/// # Errors
/// A file that cannot be read; [`Error::Content`] for one of another kind or without the tensor, and for values that
/// cannot become inputs.
pub fn read_input(path: &Path, takes: &Takes<'_>, device: &Device) -> Result<Tensor<4>, Error> {
    let mut file = ArrayFile::read(path)?;
    let input = file.take(&["input", "x"], " of shape [N, C, H, W]")?;
    let (shape, values) = takes.inputs("input", &input).map_err(|problem| file.wrong(problem))?;
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Reads what goes into each input of a network: the tensor of its name, in its dimensions for any number of
/// examples, as f32 or as integers. Images of an input whose channels come last in the network's own file may have them so
/// here.
///
/// # Errors
/// A file that cannot be read; [`Error::Content`] for one of another kind or without one of the tensors, for a tensor
/// without values or of none or more than six dimensions, images that cannot become inputs, and tokens that are no
/// entries of the table that they are looked up in.
pub fn read_inputs(
    path: &Path,
    graph: &Graph,
    channels_last: &BTreeSet<String>,
    device: &Device,
) -> Result<Vec<Value>, Error> {
    let mut file = ArrayFile::read(path)?;
    let mut inputs = Vec::new();
    for (Entry { name, integers, dims }, entries) in graph.entries().iter().zip(graph.tokens()) {
        let value = file.take(&[name.as_str()], &format!(" of shape {dims}"))?;
        let sizes = value.shape().to_vec();
        if !(1..=6).contains(&sizes.len()) || value.is_empty() {
            return Err(file.wrong(format!("tensor `{name}` should be {dims}, but is {sizes:?}")));
        }
        inputs.push(match integers {
            false if channels_last.contains(name) => {
                let (input, channels_last) = (dims.image(), true);
                let takes = Takes { input, trained_on: None, tokens: None, channels_last, is_stated: false };
                let (sizes, values) = takes.inputs(name, &value).map_err(|problem| file.wrong(problem))?;
                Value::of_row(Tensor::from_floats(values.as_slice(), device), &sizes)
            }
            false => {
                let row = value.cast::<f32>().reshape([sizes.iter().product::<usize>()])?;
                Value::of_row(Tensor::from_data(tensor_data(row), device), &sizes)
            }
            true => {
                if let Some(problem) = wrong_token(&value, entries) {
                    return Err(file.wrong(format!("tensor `{name}` {problem}")));
                }
                let data = tensor_data(value.cast::<i64>());
                match sizes.len() {
                    1 => Tensor::<1, Int>::from_data(data, device).into(),
                    2 => Tensor::<2, Int>::from_data(data, device).into(),
                    3 => Tensor::<3, Int>::from_data(data, device).into(),
                    4 => Tensor::<4, Int>::from_data(data, device).into(),
                    5 => Tensor::<5, Int>::from_data(data, device).into(),
                    _ => Tensor::<6, Int>::from_data(data, device).into(),
                }
            }
        });
    }
    Ok(inputs)
}

/// Writes tensors under their names.
///
/// # Errors
/// Values of a type that arrays do not have, such as truth values; a file that cannot be written.
pub fn write_tensors(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, TensorData)>,
) -> Result<(), Error> {
    let arrays = tensors.into_iter().map(|(name, value)| Ok((name.into(), array(value)?)));
    let state = State(arrays.collect::<Result<_, Error>>()?);
    let bytes = StateFile { state, ..StateFile::default() }.to_bytes()?;
    Ok(write_atomic(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;
    use sapwood_core::Dims;

    use super::*;

    #[test]
    fn an_input_may_have_its_customary_name_in_safetensors_too() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.safetensors");
        write_tensors(&path, [("x".into(), TensorData::new(vec![0.5f32; 4], [1, 1, 2, 2]))]).unwrap();
        let takes = Takes {
            input: [1, 2, 2],
            trained_on: None,
            tokens: None,
            channels_last: false,
            is_stated: false,
        };
        let device = DeviceSpec::CPU.resolve().unwrap();
        assert_eq!(read_input(&path, &takes, &device).unwrap().dims(), [1, 1, 2, 2]);
    }

    #[test]
    fn an_input_of_several_is_missed_under_its_one_name() {
        let entry = |name: &str| Entry { name: name.into(), dims: Dims::rows(2), integers: false };
        let mut g = Graph::builder_of(vec![entry("first"), entry("second")]);
        let (first, second) = (g.entry(0), g.entry(1));
        g.add(first, second);
        let graph = g.finish().unwrap();

        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("first.npy");
        let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n".as_slice();
        let bytes = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header, &[0; 8]];
        std::fs::write(&path, bytes.concat()).unwrap();
        let device = DeviceSpec::CPU.resolve().unwrap();
        let error = read_inputs(&path, &graph, &BTreeSet::new(), &device).err().unwrap().to_string();
        assert!(error.starts_with("expected a tensor `second` of shape [n, 2], found none"), "{error}");
    }
}
