//! What can go wrong in coding and decoding.

use crate::{Code, Kind, Positions};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes begin like nothing that this crate writes.
    #[error("not a coded tensor: expected it to begin with `SWC`, found {found:02x?}")]
    NotCoded {
        /// The first bytes, three at most.
        found: Vec<u8>,
    },
    /// The bytes are of a later version of the format.
    #[error("a coded tensor of version {found}: expected {expected} at most; use a newer Sapwood")]
    Version {
        /// The last version that this crate reads.
        expected: u8,
        /// The version of the bytes.
        found: u8,
    },
    /// The bytes are not those that were written.
    #[error(
        "a damaged coded tensor: expected checksum {expected:08x}, found {found:08x}; get the file again"
    )]
    Checksum {
        /// What the last four bytes say.
        expected: u32,
        /// What the others give.
        found: u32,
    },
    /// The bytes contradict themselves.
    #[error("a damaged coded tensor: {problem}; get the file again")]
    Damaged {
        /// Where it does not fit.
        problem: &'static str,
    },
    /// There are more values than the caller has room for.
    #[error("a coded tensor of {found} values: expected {most} at most")]
    TooMany {
        /// How many there may be.
        most: usize,
        /// How many there are.
        found: u64,
    },
    /// Values of one kind are read as another.
    #[error("a coded tensor of {found}: expected {expected}; read it as what it is")]
    Kind {
        /// What was asked for.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// A code that does not say where zeros are in that way.
    #[error("{code} does not code positions as {positions}: expected {expected}")]
    Positions {
        /// The code.
        code: Code,
        /// What was asked for.
        positions: Positions,
        /// What goes with it.
        expected: &'static str,
    },
    /// A number outside of its range.
    #[error("{what} must be {expected}, but it is {found}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

impl Error {
    /// The bytes contradict themselves.
    pub(crate) fn damaged(problem: &'static str) -> Self {
        Self::Damaged { problem }
    }
}

/// What functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;
