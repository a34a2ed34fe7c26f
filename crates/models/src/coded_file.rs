//! Weight files that are entropy-coded.

use std::{fs, path::Path};

use burn::prelude::Device;
use sapwood_core::{ModuleState, State, StateFile, graph};

use crate::{Error, Reading, pack, pytorch::Node, safetensors_file};

/// The tensors of a coded file: those of the safetensors file with the same content.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, graph::Error> {
    safetensors_file::read(&StateFile::from_bytes(bytes)?.to_bytes()?)
}

/// What a file holds, to write it in another form: of safetensors and coded files every tensor as it
/// is, whatever network they belong to; of others the network's.
///
/// # Errors
/// As [`crate::open`]; tensors of types that no network is stored in; integers of an ONNX file.
pub async fn content(path: &Path, reading: &Reading, device: &Device) -> Result<StateFile, Error> {
    let bytes = fs::read(path).map_err(|error| Error::caused(path, error))?;
    if StateFile::is_coded(&bytes) || safetensors_file::is_one(&bytes) {
        return StateFile::from_bytes(&bytes).map_err(|error| Error::caused(path, error));
    }
    let opened = reading.open(path, device)?;
    if opened.integers.is_some() {
        let problem =
            "it has integers and grids of values, which only ONNX holds so far: take the network that it was made of".into();
        return Err(Error::File { problem, path: path.into(), source: None });
    }
    let state = State::read(&opened.net).await?;
    pack(&opened.spec, opened.trained_on.as_ref(), state, opened.masks)
}
