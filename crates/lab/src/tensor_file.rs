//! Single tensors in files: inputs and outputs of a network.

use std::path::Path;

use burn::prelude::Device;
use burn::tensor::{Tensor, TensorData};
use sapwood_core::{State, StateFile, array, write_atomic};

use crate::{ArrayFile, Error, Takes};

/// Reads what a network is to be run on: the tensor `input` (or `x`) of a safetensors file or of NumPy's `.npz`, or the
/// array of a `.npy`; see [`Takes`].
///
/// # Shapes
/// `[N, C, H, W]`
pub fn read_input(path: &Path, takes: &Takes<'_>, device: &Device) -> Result<Tensor<4>, Error> {
    let mut file = ArrayFile::read(path)?;
    let input = file.take("input", "x", " of shape [N, C, H, W]")?;
    let (shape, values) = takes.inputs("input", &input).map_err(|problem| file.wrong(problem))?;
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
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
