//! What the file system refused.

use std::{io, path::PathBuf};

/// What caused an error, of whatever crate: kept beside the words.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The file system refused something. Crates that read or write files carry this one among their errors.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {error}: {path}", path = path.display())]
pub struct FileError {
    /// What was being done.
    pub action: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub error: io::Error,
}

impl FileError {
    /// For `map_err`: the error of any crate that carries this one.
    pub fn of<E: From<Self>>(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> E {
        move |error| Self { action, path, error }.into()
    }
}
