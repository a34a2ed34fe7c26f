//! Files of named arrays: safetensors, NumPy's `.npy` and `.npz`.

use std::collections::BTreeMap;

use sapwood_core::{Array, StateFile};

use crate::{is_npy, is_npz, read_npy, read_npz};

/// The arrays of a file by their names; that of a `.npy` has none. The content decides what the file is, whatever it is
/// called.
///
/// # Errors
/// What is none of these: a text of one line.
pub fn read_arrays(bytes: &[u8]) -> Result<BTreeMap<String, Array>, String> {
    if is_npy(bytes) {
        let array = read_npy(bytes).map_err(|problem| format!("not a usable NumPy array: {problem}"))?;
        return Ok([(String::new(), array)].into());
    }
    if is_npz(bytes) {
        return read_npz(bytes).map_err(|problem| format!("not a usable NumPy archive: {problem}"));
    }
    let file = StateFile::from_bytes(bytes).map_err(|error| error.to_string())?;
    Ok(file.state.0.into_iter().map(|(name, array)| (name.to_string(), array)).collect())
}
