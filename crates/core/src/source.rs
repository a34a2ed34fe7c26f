//! Where batches come from.

use crate::{Batch, ExampleShape};

/// An error of a data set, which this crate knows nothing about.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A data set cut into batches. An epoch's batches are a pure function of the
/// epoch's number, so that a run resumes in the middle of one by asking for the
/// rest of it.
pub trait Source: Send + Sync {
    /// The number of examples of an epoch.
    fn examples(&self) -> usize;

    /// The number of batches of an epoch.
    fn batches(&self) -> usize;

    /// The shape of one example; of an image, `[C, H, W]`.
    fn shape(&self) -> ExampleShape;

    /// The batches of an epoch, from the `from`-th on.
    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_>;
}
