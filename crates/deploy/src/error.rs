//! What can go wrong in the choice of a network for a device.

use std::path::PathBuf;

use sapwood_core::{FileError, UnknownName};
use sapwood_search::Naming;

use crate::latency::Measured;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Latency tables that do not fit each other or a space.
    #[error("{0}")]
    Tables(String),
    /// A table that lacks blocks of a network.
    #[error("{error}")]
    Lacking {
        /// Which.
        #[source]
        error: sapwood_search::Error,
        /// What was asked of the table.
        measured: Measured,
        /// The space of the networks.
        space: String,
        /// How the table names blocks.
        naming: Naming,
    },
    /// Times or energies are wanted, and there is no table of them.
    #[error("{} wants a table", match measured { Measured::Times => "latency", Measured::Energies => "energy" })]
    NoTable {
        /// What is wanted.
        measured: Measured,
    },
    /// What is wanted of networks is nothing that is known of them.
    #[error(transparent)]
    UnknownMetric(#[from] UnknownName),
    /// What blocks use cannot be counted on this device.
    #[error("the energy of blocks cannot be measured on `{device}` ({why})")]
    NoEnergy {
        /// The device.
        device: String,
        /// Why.
        why: String,
    },
    /// A line of a file that cannot be understood.
    #[error("{problem}: {path}, line {line}", path = path.display())]
    Line {
        /// What is wrong.
        problem: String,
        /// Which line, counted from 1.
        line: usize,
        /// The file.
        path: PathBuf,
    },
    /// A file that is not what it should be.
    #[error("{problem}: {path}", path = path.display())]
    Content {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Searching.
    #[error(transparent)]
    Search(#[from] sapwood_search::Error),
    /// Nested networks.
    #[error(transparent)]
    Supernet(#[from] sapwood_supernet::Error),
    /// Layers, weights and batches.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
    /// Networks.
    #[error(transparent)]
    Models(#[from] sapwood_models::Error),
    /// The runtime.
    #[error(transparent)]
    Runtime(#[from] sapwood_runtime::Error),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}

impl Error {
    /// For `map_err`: what was being done where the file system refused.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        FileError::of(action, path.into())
    }

    /// For `map_err`: a line of a file, by its number, and what is wrong with it.
    pub(crate) fn line(path: &std::path::Path) -> impl FnOnce((usize, String)) -> Self {
        let path = path.into();
        |(line, problem)| Self::Line { problem, line, path }
    }
}
