//! What can go wrong with networks on paper, their values and their files.

use std::fmt;

use crate::{Cause, FileError, ParamPath};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Weights that do not fit the network.
    #[error("the weights do not fit the network: {0}")]
    Mismatch(Mismatch),
    /// Values that no network can compute with.
    #[error("`{path}` {what} ({count} of {of})")]
    NotFinite {
        /// The parameter or buffer.
        path: ParamPath,
        /// What they are: a clause without a subject.
        what: &'static str,
        /// How many of them.
        count: usize,
        /// How many values it has.
        of: usize,
    },
    /// A shape of another size than what is to fill it.
    #[error("a tensor of shape {shape:?} cannot have {found} values")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// How many values there are.
        found: usize,
    },
    /// Integers of less than a byte that are none.
    #[error("{0}")]
    Packed(String),
    /// Integers, scales, bounds or zero points that cannot stand for numbers.
    #[error("quantisation: {0}")]
    Quantization(String),
    /// A layer that cannot be built on what comes into it.
    #[error("layer `{layer}`: {problem}")]
    Graph {
        /// The layer.
        layer: String,
        /// What does not fit.
        problem: String,
    },
    /// A description of layers that are left alone, which describes none or cannot be understood.
    #[error("the exception `{exception}` {problem}")]
    Exception {
        /// What was written.
        exception: String,
        /// What is wrong with it, and what there is: a clause without a subject.
        problem: String,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// What is done with images, as somebody wrote it, and cannot be.
    #[error("preprocessing: {0}")]
    Preprocess(String),
    /// A file that is not what it should be.
    #[error("not a usable {what}: {problem}")]
    Format {
        /// What kind of file was expected.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Error {
    /// A file that is not what it should be, as this crate or one above it finds.
    pub fn format(what: &'static str, problem: impl Into<String>) -> Self {
        Self::Format { what, problem: problem.into(), source: None }
    }

    /// A file that is not what it should be, as another error says.
    pub fn format_of(what: &'static str, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        Self::Format { what, problem: cause.to_string(), source: Some(cause) }
    }
}

/// Every way in which a set of weights differs from the one a network has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Parameters of the network that were not there.
    pub missing: Vec<ParamPath>,
    /// Tensors that the network does not have.
    pub unexpected: Vec<ParamPath>,
    /// Tensors of another shape: path, expected, found.
    pub misshapen: Vec<(ParamPath, Vec<usize>, Vec<usize>)>,
}

impl Mismatch {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("missing {}", some(&self.missing, ParamPath::to_string)));
        }
        if !self.unexpected.is_empty() {
            parts.push(format!("unexpected {}", some(&self.unexpected, ParamPath::to_string)));
        }
        if !self.misshapen.is_empty() {
            parts.push(some(&self.misshapen, |(path, expected, found)| {
                format!("{path} should be {expected:?} but is {found:?}")
            }));
        }
        f.write_str(&parts.join("; "))
    }
}

/// The first few, and how many more there are: another network's weights differ in
/// hundreds of names.
fn some<T>(all: &[T], text: impl Fn(&T) -> String) -> String {
    const SHOWN: usize = 4;
    let mut shown = all.iter().take(SHOWN).map(text).collect::<Vec<_>>().join(", ");
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown += &format!(" and {more} more");
    }
    shown
}
