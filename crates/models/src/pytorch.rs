//! PyTorch's own checkpoint files (`.pt`, `.pth`).

use std::path::Path;

use burn::tensor::{DType, TensorData};
use pytorch_reader::{DType as Stored, PytorchReader};
use sapwood_core::{ParamPath, StateFile};

use crate::Error;

/// Wrappers that training scripts put around a `state_dict`.
const WRAPPERS: &[&str] = &["state_dict.", "model_state_dict.", "model.", "module."];

/// Reads a `state_dict`, also one inside a checkpoint dictionary or saved by
/// `DataParallel`.
pub(crate) fn read(path: &Path) -> Result<StateFile, Error> {
    let wrong = |problem: String| Error::File { problem, path: path.to_path_buf() };
    let reader = PytorchReader::new(path).map_err(|error| wrong(error.to_string()))?;
    let mut file = StateFile::default();
    for (name, tensor) in reader.tensors() {
        let dtype = match tensor.dtype() {
            Stored::F64 => DType::F64,
            Stored::F32 => DType::F32,
            Stored::F16 => DType::F16,
            Stored::BF16 => DType::BF16,
            // Counters of batches and the like.
            _ => continue,
        };
        let bytes = tensor.read().map_err(|error| wrong(error.to_string()))?;
        file.state.0.insert(
            ParamPath::from(name.as_str()),
            TensorData::from_bytes_vec(bytes, tensor.shape().to_vec(), dtype),
        );
    }
    for wrapper in WRAPPERS {
        let wrapped = |path: &ParamPath| path.as_str().starts_with(wrapper);
        if file.state.0.keys().any(wrapped) {
            file.state.0.retain(|path, _| wrapped(path));
            let state = std::mem::take(&mut file.state.0);
            let stripped =
                state.into_iter().map(|(path, value)| (path.as_str()[wrapper.len()..].into(), value));
            file.state.0 = stripped.collect();
        }
    }
    Ok(file)
}
