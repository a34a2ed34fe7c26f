//! What can go wrong with masks that change.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A schedule that the run cannot keep, or masks that do not fit.
    #[error(transparent)]
    Prune(#[from] sapwood_prune::Error),
}
