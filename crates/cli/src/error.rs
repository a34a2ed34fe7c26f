//! What can go wrong between what a person typed and what is answered.

use std::{io, path::PathBuf};

use sapwood_lab::Error as Lab;

/// An error of this crate: its own, or one of a crate that it uses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line cannot be understood, or asks for what does not go together.
    #[error("{0}")]
    Usage(String),
    /// An error of a crate below, with the command or option that helps.
    #[error("{said}")]
    Hinted {
        /// The whole line.
        said: String,
        /// The error.
        #[source]
        error: Box<Lab>,
    },
    /// A file that is not what it should be.
    #[error("{problem}: {path}", path = path.display())]
    Content {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// Whoever reads the results is gone, or has no room for them.
    #[error("cannot write the results: {0}")]
    Output(#[from] io::Error),
    /// A network that the runtime cannot run.
    #[error(transparent)]
    Runtime(#[from] sapwood_runtime::Error),
    /// A network cannot be quantised.
    #[error(transparent)]
    Quant(#[from] sapwood_quant::Error),
    /// An error of the lab, or of a crate that it uses.
    #[error(transparent)]
    Lab(#[from] Lab),
}

impl Error {
    /// For `map_err`: what was being done where the file system refused.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let as_lab = Lab::file(action, path);
        move |error| as_lab(error).into()
    }

    /// For `map_err`: a page that could not be drawn.
    pub(crate) fn report(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Lab::Report(error.into()).into()
    }
}

/// Errors of the crates below the lab are the lab's first.
macro_rules! through_the_lab {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Lab(error.into())
            }
        })*
    };
}

through_the_lab!(
    sapwood_backend::Error,
    sapwood_core::Error,
    sapwood_core::graph::Error,
    sapwood_data::Error,
    sapwood_deploy::Error,
    sapwood_ledger::Error,
    sapwood_models::Error,
    sapwood_prune::Error,
    sapwood_search::Error,
    sapwood_shrink::Error,
    sapwood_sparse::Error,
    sapwood_supernet::Error,
    sapwood_train::Error,
);
