//! What can go wrong, in one line each: the page shows it as it stands.

/// An error of the page's engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Of a device, or of reading from it.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
    /// Of weights and their files.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
    /// Of data.
    #[error(transparent)]
    Data(#[from] sapwood_data::Error),
    /// Of networks.
    #[error(transparent)]
    Models(#[from] sapwood_models::Error),
    /// Of pruning.
    #[error(transparent)]
    Prune(#[from] sapwood_prune::Error),
    /// Of a space of networks.
    #[error(transparent)]
    Search(#[from] sapwood_search::Error),
    /// Of once-for-all networks.
    #[error(transparent)]
    Supernet(#[from] sapwood_supernet::Error),
    /// Of training.
    #[error(transparent)]
    Train(#[from] sapwood_train::Error),
    /// A request that the engine cannot follow.
    #[error("{what}: expected {expected}, found {found}")]
    Request {
        /// What was asked for.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A request that is not written as it should be.
    #[error("the request cannot be read: {0}")]
    Written(#[from] serde_json::Error),
    /// A question about a pruned network where there is none.
    #[error("nothing is pruned yet: prune the network first")]
    NotPruned,
    /// Kept bytes that are none, or of another kind.
    #[error("what was kept of the session cannot be read: {0}")]
    Kept(String),
    /// A question about what is not there yet.
    #[error("there is no {0} yet")]
    NothingYet(&'static str),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}
