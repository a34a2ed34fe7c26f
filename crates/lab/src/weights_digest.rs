//! What tells one weight file from another.

use std::path::Path;

use sapwood_models::files_beside;

use crate::{Error, digest};

/// BLAKE3 of a weight file, in hexadecimal; of an ONNX file with weights beside it, also of these.
///
/// # Errors
/// A file that cannot be read, or an ONNX file that is damaged.
pub fn weights_digest(path: &Path) -> Result<String, Error> {
    let read = |path: &Path| std::fs::read(path).map_err(Error::file("read", path));
    let bytes = read(path)?;
    let beside = files_beside(&bytes, path)?;
    if beside.is_empty() {
        return Ok(digest(&bytes));
    }
    let mut all = digest(&bytes);
    for file in beside {
        all = format!("{all}\n{}", digest(&read(&file)?));
    }
    Ok(digest(all.as_bytes()))
}
