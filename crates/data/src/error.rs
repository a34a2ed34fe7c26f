//! What can go wrong between a data set's name and its batches.

use std::path::PathBuf;

use sapwood_core::{Cause, FileError, UnknownName};

use crate::Split;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no data set of that name.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A file of a data set that [`get`](crate::acquire::get) can obtain is not there.
    #[error("data set `{name}` is not there: a file is missing; get the data set first: {path}", path = path.display())]
    NoFile {
        /// The data set.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A split of another size than everyone else's.
    #[error(
        "data set `{name}`: its {split} split should have {expected} examples but has {found}; get the data set again"
    )]
    Size {
        /// The data set.
        name: String,
        /// Which split.
        split: Split,
        /// The size in the catalogue.
        expected: usize,
        /// The number of examples in the files.
        found: usize,
    },
    /// A part of a data set is not there.
    #[error("data set `{name}` is not there: {problem}: {path}", path = path.display())]
    Missing {
        /// The data set.
        name: String,
        /// What was looked for, and what to do.
        problem: String,
        /// Where.
        path: PathBuf,
    },
    /// A file that is not what it should be.
    #[error("not a usable {what}: {problem}: {path}", path = path.display())]
    Format {
        /// What kind of file was expected.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
        /// Where.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// An image of a data set that cannot be read.
    #[error("not a usable image: {problem}{}: {path}", and_others(*others), path = path.display())]
    Unreadable {
        /// What is wrong with the first of them.
        problem: String,
        /// How many more there are.
        others: usize,
        /// The first one.
        path: PathBuf,
    },
    /// A folder of images that is not laid out as it should be.
    #[error("data set `image-folder`: {problem}: {path}", path = path.display())]
    Folder {
        /// What was expected, and what was found.
        problem: String,
        /// Where.
        path: PathBuf,
    },
    /// Parts of a data set that do not fit each other.
    #[error("data set `{name}`: {problem}")]
    Inconsistent {
        /// The data set.
        name: String,
        /// What does not fit.
        problem: String,
    },
    /// Examples that are kept back, with which the last ones of a class would go.
    #[error(
        "data set `{name}`: with {n} examples kept back none of class `{class}` would be left to learn from, of {found}: \
         keep fewer back, or add examples of it"
    )]
    EmptiedClass {
        /// The data set.
        name: String,
        /// The class.
        class: String,
        /// The number of its examples.
        found: usize,
        /// How many examples should be kept back, of all classes.
        n: usize,
    },
    /// An option out of its range.
    #[error("{option} is {found}: expected {expected}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Data that are not the ones that everyone else means by the name.
    #[error(
        "data set `{name}`: the SHA-256 of its {part} should be {expected} but is {found}: get it again, or from another source"
    )]
    Digest {
        /// The data set.
        name: String,
        /// Which array.
        part: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// No source of the data set could be used.
    #[error(
        "data set `{name}` could not be had; tried {tried}; a folder or archive that you have can be read instead"
    )]
    Acquire {
        /// The data set.
        name: String,
        /// Each source and why it failed.
        tried: String,
    },
    /// A thread that makes batches could not be started, or ended early.
    #[error("a thread that makes batches {problem}: use fewer workers (0 needs no thread)")]
    Worker {
        /// What happened.
        problem: String,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A batch or a file that the shared types refused.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}

/// What is said of other images beside the first.
fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and one more cannot be read)".into(),
        _ => format!(" (and {others} more cannot be read)"),
    }
}

impl Error {
    /// For `map_err`: the file system refused to do something with a path.
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        FileError::of(action, path.to_path_buf())
    }
}
