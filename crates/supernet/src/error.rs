//! What can go wrong with nested networks.

use std::path::PathBuf;

use sapwood_core::{Cause, ParamPath, UnknownName};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Choices and layers that make no family of nested networks.
    #[error("`{family}` is no family of nested networks: {problem}")]
    Family {
        /// Its name.
        family: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A layer of a sub-network that is no part of the largest network's.
    #[error(
        "{genome}: `{param}` is {found:?}, which is no part of the largest network's {whole}: \
         channels are the first ones, kernels of odd size are the middle"
    )]
    NotNested {
        /// The sub-network.
        genome: String,
        /// The parameter.
        param: ParamPath,
        /// Its shape.
        found: Vec<usize>,
        /// The shape in the largest network, if it is there.
        whole: String,
    },
    /// No such family.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// Phases that do not follow each other.
    #[error("phase `{phase}`: {problem}")]
    Phase {
        /// The phase.
        phase: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that sub-networks cannot learn from.
    #[error("sub-networks cannot learn here: {0}")]
    Learning(String),
    /// Normalisation without statistics.
    #[error(
        "the statistics of a sub-network's normalisation cannot be taken of {0}: expected at least one batch of training images"
    )]
    Calibration(String),
    /// A file that is not what was asked for.
    #[error("{problem}: {path}", path = path.display())]
    File {
        /// What is wrong with it.
        problem: String,
        /// The file.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// A description of a supernet that cannot be written down.
    #[error(transparent)]
    Unwritable(serde_json::Error),
    /// An error of the search space or one of its genomes.
    #[error(transparent)]
    Search(#[from] sapwood_search::Error),
    /// An error of layers, weights or files.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
    /// An error of a network.
    #[error(transparent)]
    Models(#[from] sapwood_models::Error),
    /// An error of training or evaluation.
    #[error(transparent)]
    Train(#[from] sapwood_train::Error),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}
