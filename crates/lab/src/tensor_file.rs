//! Single tensors in safetensors files: inputs and outputs of a network.

use std::{fs, path::Path};

use burn::prelude::{Device, Int};
use burn::tensor::{Tensor, TensorData};
use sapwood_core::{Entry, State, StateFile, array, tensor_data, write_atomic};
use sapwood_models::Value;

use crate::Error;

/// Reads the tensor of a name from a file, as f32 with four dimensions.
///
/// # Shapes
/// `[N, C, H, W]`
pub fn read_input(path: &Path, name: &str, device: &Device) -> Result<Tensor<4>, Error> {
    let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let mut file = StateFile::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
    let Some(value) = file.state.0.remove(name) else {
        let found: Vec<_> = file.state.0.keys().map(|path| path.as_str()).collect();
        let found = if found.is_empty() { "none".to_string() } else { found.join(", ") };
        return Err(wrong(format!("expected a tensor `{name}` of shape [N, C, H, W], found {found}")));
    };
    if value.shape().len() != 4 || value.is_empty() {
        let shape = value.shape().to_vec();
        return Err(wrong(format!(
            "tensor `{name}` should be [N, C, H, W] with at least one value, but is {shape:?}"
        )));
    }
    Ok(Tensor::from_data(tensor_data(value.cast::<f32>()), device))
}

/// Reads what goes into each input of a network: the tensor of its name, in its dimensions for any number of
/// examples, as f32 or as integers.
pub fn read_inputs(path: &Path, entries: &[Entry], device: &Device) -> Result<Vec<Value>, Error> {
    let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let mut file = StateFile::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let mut inputs = Vec::new();
    for Entry { name, integers, .. } in entries {
        let value = file.state.0.remove(name.as_str()).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            wrong(format!(
                "expected tensors with values for its inputs: {}; `{name}` is not there",
                names.join(", ")
            ))
        })?;
        let sizes = value.shape().to_vec();
        if !(1..=6).contains(&sizes.len()) {
            return Err(wrong(format!("tensor `{name}` has {} dimensions", sizes.len())));
        }
        inputs.push(match integers {
            false => {
                let row = value.cast::<f32>().reshape([sizes.iter().product::<usize>()])?;
                Value::of_row(Tensor::from_data(tensor_data(row), device), &sizes)
            }
            true => {
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
pub fn write_tensors(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, TensorData)>,
) -> Result<(), Error> {
    let arrays = tensors.into_iter().map(|(name, value)| Ok((name.into(), array(value)?)));
    let state = State(arrays.collect::<Result<_, Error>>()?);
    let bytes = StateFile { state, ..StateFile::default() }.to_bytes()?;
    Ok(write_atomic(path, &bytes)?)
}
