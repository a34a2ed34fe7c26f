//! Reading whole files.

use std::{io::ErrorKind, path::Path};

use crate::Error;

/// The bytes of one file of a data set; where it is missing, the error says
/// whose it is.
pub(crate) fn read(name: &str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NoFile { name: name.into(), path: path.to_path_buf() },
        _ => Error::file("read", path)(error),
    })
}
