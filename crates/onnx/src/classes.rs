//! Values that are a number for each class.

use sapwood_graph::Dims;

/// Whether these are the dimensions of a number for each class and example: what a softmax at the end of a file makes
/// probabilities of.
pub(crate) fn are_classes(dims: &Dims) -> bool {
    2 <= dims.rank() && dims.batch() == Some(0) && dims.sizes()[2..].iter().all(|size| *size == 1)
}
