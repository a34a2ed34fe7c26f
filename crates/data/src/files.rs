//! Reading whole files.

use std::{io::ErrorKind, path::Path};

use crate::Error;

/// The bytes of one file of a data set; where it is missing, the error says how
/// to get it.
pub(crate) fn read(name: &str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Missing {
            name: name.into(),
            problem: format!("a file is missing; get it with `data get {name}`"),
            path: path.to_path_buf(),
        },
        _ => Error::File { action: "read", path: path.to_path_buf(), error },
    })
}
