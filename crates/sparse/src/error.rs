//! What can go wrong with masks that change.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A schedule that the run cannot keep, or masks that do not fit.
    #[error(transparent)]
    Prune(#[from] sapwood_prune::Error),
    /// Channels that cannot be chosen.
    #[error(transparent)]
    Shrink(#[from] sapwood_shrink::Error),
    /// Something else than a regulariser.
    #[error(
        "expected a regulariser such as group-norm=5e-4, slimming=1e-5, growing=1e-4 or soft-filters=0.3, found `{found}`"
    )]
    UnknownRegulariser {
        /// What was written.
        found: String,
    },
    /// A number that no regulariser can have.
    #[error("the {what} of a regulariser must be above 0 and {}, found {found}", if *what == "share" { "below 1" } else { "finite" })]
    Regulariser {
        /// Which one.
        what: &'static str,
        /// What was written.
        found: f64,
    },
    /// A regulariser that this network has nothing for.
    #[error("the regulariser would change nothing: {reason}: choose another, or leave it out")]
    WithoutEffect {
        /// Why: a clause.
        reason: String,
    },
}
