//! What can go wrong with networks and their files.

use std::path::{Path, PathBuf};

use sapwood_core::{Cause, Shape, UnknownName};

use crate::Problem;

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
    /// A file of another network than the one that was named.
    #[error("the weights are those of `{found}`, not of `{expected}`: name the right network, or none")]
    OtherModel {
        /// What was named.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// A file of nested networks, of which none was chosen.
    #[error(
        "cannot read weights: they are those of a supernet: cut a network out of it first: {path}",
        path = path.display()
    )]
    OfSupernet {
        /// The file.
        path: PathBuf,
    },
    /// Inputs that the network cannot take.
    #[error("`{model}` does not take {} inputs: {error}", sizes(input))]
    Input {
        /// The network.
        model: String,
        /// The shape of an input, `[C, H, W]`.
        input: Shape,
        /// The layer where it fails, and why.
        #[source]
        error: Box<sapwood_core::graph::Error>,
    },
    /// A network that has other ends than what trains, evaluates and scores networks can use.
    #[error("expected a network with one input of numbers and one output for each example, found {found}")]
    Ends {
        /// What it has.
        found: String,
    },
    /// A file that cannot be read as weights.
    #[error("cannot read weights: {problem}: {path}", path = path.display())]
    File {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// A file that should say how images become inputs.
    #[error("cannot read how images become inputs: {problem}: {path}", path = path.display())]
    Config {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// Names of classes, where nothing is known of images.
    #[error("the weights do not say how images become inputs: say that too")]
    ImagesUnknown,
    /// A file whose tensors are not a network's.
    #[error("cannot read weights: {problem}: {path}", path = path.display())]
    Weights {
        /// What is wrong.
        problem: Box<Problem>,
        /// The file.
        path: PathBuf,
    },
    /// A network that cannot be written as ONNX.
    #[error(transparent)]
    Onnx(#[from] sapwood_onnx::Error),
    /// A file that is read as another network than it was made of.
    #[error(
        "the file that was made is read as another network, and no run showed that it gives the same answers: nothing was written"
    )]
    ReadBack,
    /// A file is read as another network, and this one tells no inputs apart.
    #[error(
        "the file that was made is read as a network that is put together otherwise, and this one gives a single answer to all \
         inputs, so that no run can show whether they are the same: nothing was written"
    )]
    Mute,
    /// An error of the layers, weights or files.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}

impl Error {
    /// A file that is wrong as another error says.
    pub(crate) fn caused(path: &Path, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        Self::File { problem: cause.to_string(), path: path.into(), source: Some(cause) }
    }
}

/// `3x32x32`
fn sizes([c, h, w]: &Shape) -> String {
    format!("{c}x{h}x{w}")
}
