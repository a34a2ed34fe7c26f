//! PyTorch's own checkpoint files (`.pt`, `.pth`).

use std::{error::Error as StdError, io::Write, path::Path};

use burn::tensor::{DType, TensorData};
use pytorch_reader::{DType as Stored, PytorchReader};
use sapwood_core::{ParamPath, State, StateFile};

use crate::Error;

/// Wrappers that training scripts put around a `state_dict`.
const WRAPPERS: &[&str] = &["state_dict.", "model_state_dict.", "model.", "module."];

/// Reads a `state_dict`, also one inside a checkpoint dictionary or saved by
/// `DataParallel`.
pub(crate) fn read(path: &Path) -> Result<StateFile, Error> {
    let state = parse(path).or_else(|error| match without_zip64(path) {
        Some(copy) => parse(copy.path()),
        None => Err(error),
    });
    match state {
        Ok(state) => Ok(StateFile { state: unwrap(state), ..StateFile::default() }),
        Err(error) => Err(Error::File { problem: error.to_string(), path: path.to_path_buf() }),
    }
}

/// Everything that is a float; the rest are counters of batches and the like.
fn parse(path: &Path) -> Result<State, Box<dyn StdError>> {
    let mut state = State::default();
    for (name, tensor) in PytorchReader::new(path)?.tensors() {
        let dtype = match tensor.dtype() {
            Stored::F64 => DType::F64,
            Stored::F32 => DType::F32,
            Stored::F16 => DType::F16,
            Stored::BF16 => DType::BF16,
            _ => continue,
        };
        let value = TensorData::from_bytes_vec(tensor.read()?, tensor.shape().to_vec(), dtype);
        state.0.insert(ParamPath::from(name.as_str()), value);
    }
    Ok(state)
}

fn unwrap(mut state: State) -> State {
    for wrapper in WRAPPERS {
        let inside = |path: &ParamPath| path.as_str().strip_prefix(wrapper).map(ParamPath::from);
        if state.0.keys().any(|path| inside(path).is_some()) {
            state.0 = state.0.into_iter().filter_map(|(path, value)| Some((inside(&path)?, value))).collect();
        }
    }
    state
}

/// A copy of the file without its ZIP64 records, if it has any.
///
/// PyTorch writes them also where nothing needs them: 76 bytes between the
/// directory and the end of the archive. The reader's ZIP library takes them for
/// a part of the directory where the directory's first entry has 76 bytes too,
/// which is so in every file whose name has 21 characters before its extension.
fn without_zip64(path: &Path) -> Option<tempfile::NamedTempFile> {
    let bytes = std::fs::read(path).ok()?;
    let end = bytes.len().checked_sub(22).filter(|end| bytes[*end..].starts_with(b"PK\x05\x06"))?;
    let records = end.checked_sub(76).filter(|start| bytes[*start..].starts_with(b"PK\x06\x06"))?;
    let mut copy = tempfile::NamedTempFile::new().ok()?;
    copy.write_all(&bytes[..records]).and_then(|()| copy.write_all(&bytes[end..])).ok()?;
    Some(copy)
}
