//! What is known of a forward pass in the making.

use std::collections::BTreeSet;

use sapwood_core::Dims;

use super::functions::Function;

/// A forward pass in the making.
pub(super) struct Writing<'g> {
    /// The dimensions of each node's value.
    pub(super) dims: &'g [Dims],
    /// What is called that PyTorch does not have.
    pub(super) functions: BTreeSet<Function>,
    /// Whether anything asks for the number of examples.
    pub(super) counts: bool,
}
