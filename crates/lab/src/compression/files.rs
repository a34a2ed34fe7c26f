//! The files that a folder gets.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use sapwood_core::write_atomic;

use crate::Error;

/// The network in numbers.
pub(super) const NET: &str = "net.safetensors";

/// The same as ONNX.
pub(super) const ONNX: &str = "net.onnx";

/// The network in integers.
pub(super) const INTEGERS: &str = "net-int8.safetensors";

/// The same as ONNX.
pub(super) const INTEGERS_ONNX: &str = "net-int8.onnx";

/// The page, which whoever asks writes beside the networks.
pub(super) const REPORT: &str = "report.html";

/// Removes files from the folder, where they are there.
pub(super) fn remove(folder: &Path, names: &[&str]) -> Result<(), Error> {
    for path in names.iter().map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file in the folder, and tells where it is.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    write_atomic(&path, bytes)?;
    Ok(path)
}
