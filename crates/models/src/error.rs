//! What can go wrong with networks and their files.

use std::path::PathBuf;

use sapwood_core::UnknownName;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such network or initialisation.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// An option that the network does not have, or a value out of range.
    #[error("model option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// A file that cannot be read as weights.
    #[error("cannot read weights: {problem}: {path}", path = path.display())]
    File {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// The file does not say what network it belongs to, and nobody else did.
    #[error("the weights do not say which model they belong to: name it with `--model`")]
    NoModel,
    /// An error of the layers, weights or files.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}
