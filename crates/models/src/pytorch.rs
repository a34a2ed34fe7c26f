//! PyTorch's own checkpoint files (`.pt`, `.pth`).

use std::{
    collections::{BTreeMap, HashMap},
    error::Error as StdError,
    io::Write,
    path::Path,
};

use burn::tensor::{DType, TensorData};
use pytorch_reader::{DType as Stored, PytorchReader, Tensor};
use sapwood_core::{Bits, StateFile};

use crate::Error;

/// Wrappers that training scripts put around a `state_dict`.
const WRAPPERS: &[&str] = &["state_dict.", "model_state_dict.", "model.", "module."];

/// Reads a `state_dict`, also one inside a checkpoint dictionary or saved by
/// `DataParallel`.
pub(crate) fn read(path: &Path) -> Result<StateFile, Error> {
    let found = parse(path).or_else(|error| match without_zip64(path) {
        Some(copy) => parse(copy.path()),
        None => Err(error),
    });
    found.map_err(|error| Error::File { problem: error.to_string(), path: path.to_path_buf() })
}

/// Floats, and masks (`<param>_mask`, BOOL: the convention of PyTorch's own
/// pruning). Counters of batches are ignored.
fn parse(path: &Path) -> Result<StateFile, Box<dyn StdError>> {
    let mut file = StateFile::default();
    let mut shapes = Vec::new();
    for (name, tensor) in unwrapped(PytorchReader::new(path)?.tensors()) {
        let dtype = match tensor.dtype() {
            Stored::F64 => DType::F64,
            Stored::F32 => DType::F32,
            Stored::F16 => DType::F16,
            Stored::BF16 => DType::BF16,
            Stored::Bool if name.ends_with("_mask") => {
                let param = name.trim_end_matches("_mask");
                file.masks
                    .insert(param.into(), tensor.read()?.iter().map(|byte| *byte != 0).collect::<Bits>());
                shapes.push((param.into(), tensor.shape().to_vec()));
                continue;
            }
            _ if name.ends_with("num_batches_tracked") => continue,
            other => {
                return Err(format!("tensor `{name}` has the type {other:?}, which no network has").into());
            }
        };
        let value = TensorData::from_bytes_vec(tensor.read()?, tensor.shape().to_vec(), dtype);
        file.state.0.insert(name.into(), value);
    }
    Ok(file.with_masks_applied(shapes)?)
}

/// The tensors of the state dict, without what training scripts wrap around it.
fn unwrapped(tensors: &HashMap<String, Tensor>) -> BTreeMap<&str, &Tensor> {
    let mut names: BTreeMap<&str, &Tensor> =
        tensors.iter().map(|(name, tensor)| (&name[..], tensor)).collect();
    for wrapper in WRAPPERS {
        if names.keys().any(|name| name.starts_with(wrapper)) {
            names = names
                .into_iter()
                .filter_map(|(name, tensor)| Some((name.strip_prefix(wrapper)?, tensor)))
                .collect();
        }
    }
    names
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
