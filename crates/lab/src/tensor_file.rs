//! Single tensors in safetensors files: inputs and outputs of a network.

use std::{fs, path::Path};

use burn::prelude::Device;
use burn::tensor::{Tensor, TensorData};
use sapwood_core::{State, StateFile, array, tensor_data, write_atomic};

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

/// Writes tensors under their names.
pub fn write_tensors(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'static str, TensorData)>,
) -> Result<(), Error> {
    let arrays = tensors.into_iter().map(|(name, value)| Ok((name.into(), array(value)?)));
    let state = State(arrays.collect::<Result<_, Error>>()?);
    let bytes = StateFile { state, ..StateFile::default() }.to_bytes()?;
    Ok(write_atomic(path, &bytes)?)
}
