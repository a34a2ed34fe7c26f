//! Files of named arrays: safetensors, NumPy's `.npy` and `.npz`.

use std::collections::BTreeMap;

use sapwood_core::{Array, StateFile};

use crate::{
    is_npy, is_npz,
    npy::{Typed, all_typed, typed},
};

/// The arrays of a file by their names; that of a `.npy` has none. The content decides what the file is, whatever it is
/// called.
///
/// # Errors
/// What is none of these: a text of one line.
pub fn read_arrays(bytes: &[u8]) -> Result<BTreeMap<String, Array>, String> {
    let arrays = read_typed(bytes)?;
    Ok(arrays.into_iter().map(|(name, (array, _))| (name, array)).collect())
}

/// The same, each with what the file calls the type of its values.
pub(crate) fn read_typed(bytes: &[u8]) -> Result<BTreeMap<String, Typed>, String> {
    if is_npy(bytes) {
        let array = typed(bytes).map_err(|problem| format!("not a usable NumPy array: {problem}"))?;
        return Ok([(String::new(), array)].into());
    }
    if is_npz(bytes) {
        return all_typed(bytes).map_err(|problem| format!("not a usable NumPy archive: {problem}"));
    }
    let file = StateFile::from_bytes(bytes).map_err(|error| error.to_string())?;
    let with_type = |array: Array| {
        let called = array.dtype().name();
        (array, called)
    };
    Ok(file.state.0.into_iter().map(|(name, array)| (name.to_string(), with_type(array))).collect())
}
