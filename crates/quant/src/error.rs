//! What can go wrong while a network is quantised.

use sapwood_core::SourceError;

use crate::Agreement;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing to calibrate with.
    #[error("there is nothing to calibrate with: expected at least 1 example, found none")]
    NoExamples,
    /// A value of the network that no range can be made of.
    #[error(
        "value `{value}` is {found} on the calibration data, and a range has finite bounds: check the weights and how \
         the data are normalised"
    )]
    NotFinite {
        /// The value.
        value: String,
        /// What was seen.
        found: f32,
    },
    /// Bits that weights cannot have.
    #[error("weights have 2 to 8 bits, not {found}")]
    Bits {
        /// What was asked for.
        found: usize,
    },
    /// A number that is not what it may be.
    #[error("{what} should be {expected}, but is {found}")]
    Option {
        /// What it is.
        what: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// Second derivatives that cannot be inverted.
    #[error(
        "second derivatives have no inverse at dampening {dampening}: calibrate with more examples, or dampen more"
    )]
    Singular {
        /// What was added to their diagonal, as a share of its mean.
        dampening: f64,
    },
    /// A layer that a scheme does not suit.
    #[error("layer `{layer}`: {problem}")]
    Layer {
        /// The layer.
        layer: String,
        /// What does not fit, and what to do.
        problem: String,
    },
    /// An exception that concerns no layer.
    #[error("`{pattern}` is no layer with weights: there are {layers}")]
    NoLayer {
        /// What was written.
        pattern: String,
        /// Some that there are.
        layers: String,
    },
    /// Integers that answer too differently.
    #[error("the integers give {agreement} of the calibration data, less than {least:.2} %; most is lost in {worst}", least = 100.0 * least)]
    Disagrees {
        /// How far they agree.
        agreement: Agreement,
        /// The least that was allowed.
        least: f64,
        /// The layers that cost most, with what they cost.
        worst: String,
    },
    /// Bits that cost too much, however few they are.
    #[error("the budget is {asked}, and the fewest bits take {least}: allow more, or fewer bits")]
    Budget {
        /// What was allowed.
        asked: String,
        /// What the fewest bits take, in the same unit.
        least: f64,
    },
    /// An error of a search.
    #[error(transparent)]
    Search(#[from] sapwood_search::Error),
    /// The data set failed.
    #[error("the data set failed: {0}")]
    Source(#[source] SourceError),
    /// An error of the shared nouns.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}

impl From<sapwood_graph::Error> for Error {
    fn from(error: sapwood_graph::Error) -> Self {
        Self::Core(error.into())
    }
}

impl From<sapwood_backend::Error> for Error {
    fn from(error: sapwood_backend::Error) -> Self {
        Self::Core(error.into())
    }
}
