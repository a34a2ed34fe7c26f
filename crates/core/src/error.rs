//! What can go wrong with the shared nouns.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no position in training.
    #[error("`{found}` is no position in training: expected `10ep`, `500it`, `10ep50it` or `end`")]
    Step {
        /// What was written.
        found: String,
    },
    /// A batch whose parts do not fit its shape.
    #[error("the batch's shape asks for {expected} {what}, but there are {found}")]
    BatchSize {
        /// Which part.
        what: &'static str,
        /// How many the shape asks for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Inputs that the network does not take.
    #[error("the network takes {expected}, but the batch has {found}")]
    Input {
        /// What the network takes.
        expected: String,
        /// What the batch has.
        found: String,
    },
    /// Targets that do not fit the network's outputs.
    #[error("{0}")]
    Target(String),
    /// An error of layers, weights or files.
    #[error(transparent)]
    Graph(#[from] sapwood_graph::Error),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
}
