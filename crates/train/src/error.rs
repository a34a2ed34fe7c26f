//! What can go wrong while training.

use std::path::PathBuf;

use sapwood_core::{ParamPath, SourceError};

/// Why a hook ends a run.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the recipe that cannot be trained with.
    #[error("`{field}` must be {expected}, but it is {found}")]
    Recipe {
        /// The field of the recipe.
        field: &'static str,
        /// What it may be.
        expected: String,
        /// What was written.
        found: String,
    },
    /// The loss, or the norm of the gradient, is infinite or not a number.
    #[error(
        "the {what} is {value} at iteration {iteration} (epoch {epoch}, both counted from 0): lower the learning rate, {}",
        if *clipped { "or warm up" } else { "warm up, or clip the gradient" }
    )]
    NotFinite {
        /// What was computed.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The iteration, counted from 0.
        iteration: usize,
        /// Its epoch, counted from 0.
        epoch: usize,
        /// Whether the gradient was clipped.
        clipped: bool,
    },
    /// A mask for something that the network does not train.
    #[error(
        "the mask of `{path}` has no parameter to mask: masks belong to trained parameters of the network"
    )]
    MaskOfNothing {
        /// What the mask was made for.
        path: ParamPath,
    },
    /// A mask of another size than its parameter.
    #[error(
        "the mask of `{path}` should have {expected} bits, but it has {found}: was it made for another network?"
    )]
    MaskLength {
        /// The parameter.
        path: ParamPath,
        /// Its number of values.
        expected: usize,
        /// The number of bits.
        found: usize,
    },
    /// Shared weights of a parameter that the network does not have.
    #[error("the network has no parameter `{path}` whose weights could be shared")]
    NothingShared {
        /// What was named.
        path: ParamPath,
    },
    /// The data set failed.
    #[error("the data set failed: {0}")]
    Source(#[source] SourceError),
    /// The data set does not keep its word.
    #[error("the data set promised {promised} {what}, but gave {found}")]
    BrokenPromise {
        /// What it should have given a number of.
        what: &'static str,
        /// How many it promised.
        promised: String,
        /// How many there were.
        found: String,
    },
    /// A hook ended the run.
    #[error("a hook ended the run at iteration {iteration}: {error}")]
    Hook {
        /// The number of iterations that were complete.
        iteration: usize,
        /// Why.
        #[source]
        error: HookError,
    },
    /// What the network should have learnt of a batch could not be computed.
    #[error(transparent)]
    Objective(HookError),
    /// The run was asked to stop before its end.
    #[error("stopped at iteration {iteration}: start the run again to go on from its last checkpoint")]
    Stopped {
        /// The number of iterations that were complete.
        iteration: usize,
    },
    /// The folder holds the checkpoints of another run.
    #[error(
        "the checkpoint was written by another run: its {what} is {found}, this run's is {expected}; give each run a folder of its own: {path}",
        path = path.display()
    )]
    OtherRun {
        /// In what they differ.
        what: String,
        /// This run's.
        expected: String,
        /// The checkpoint's.
        found: String,
        /// The checkpoint.
        path: PathBuf,
    },
    /// The checkpoint is whole, but this version cannot read it.
    #[error(
        "the checkpoint is whole, but its content is not understood ({problem}): it needs the version of Sapwood that wrote it: {path}",
        path = path.display()
    )]
    Content {
        /// What is wrong with it.
        problem: String,
        /// The checkpoint.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<sapwood_core::Cause>,
    },
    /// Two networks have no layer at which their attention could be compared.
    #[error(
        "no layer of the student has the name of one of the teacher's and values of the same height and width, above 1x1, \
         or for blocks of the same shape: layers cannot be compared; take a teacher of the same family, or compare answers"
    )]
    NothingAlike,
    /// The file system refused.
    #[error(transparent)]
    File(#[from] sapwood_core::FileError),
    /// Batches, weights or files do not fit.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}
