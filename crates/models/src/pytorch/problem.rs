//! Why a file is no checkpoint that can be read.

/// What is wrong with a whole file; what is wrong with one tensor is
/// [`Unreadable`](super::Stored::Unreadable).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// The file ends before what it announces.
    #[error("the file is cut short: {0}")]
    Cut(String),
    /// It is something else, with what to do.
    #[error("it is {0}")]
    Other(String),
    /// It is one, but its content contradicts itself.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// It asks for more than a file of its size can hold.
    #[error("the file holds too much to be read: {0}")]
    TooMuch(String),
    /// It could be read, and no tensor was found.
    #[error("it holds no tensors")]
    NoTensors,
}
