//! What a checkpoint holds, without how it was written.

use burn::tensor::TensorData;
use sapwood_core::Bits;

/// A checkpoint as nested dictionaries: what was pickled, without what is neither
/// a tensor nor leads to one.
///
/// A whole module is one flat dictionary of its parameters and its persistent
/// buffers, under the names that its `state_dict()` would have. Other objects are
/// dictionaries of their attributes, lists and tuples of their places.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// A tensor.
    Tensor(Stored),
    /// Keys in the order of the file, each once. What is no text has the text of
    /// Python's `repr`: `0`, `0.5`, `(0, 1)`, `None`.
    Dictionary(Vec<(String, Node)>),
}

/// A tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stored {
    /// Dense values, row by row. Booleans have `DType::Bool(BoolStore::Native)`.
    Value(TensorData),
    /// A sparse tensor.
    Sparse {
        /// Dense values, zero where nothing was stored.
        value: TensorData,
        /// Which elements were stored, in the order of `value`.
        stored: Bits,
    },
    /// A tensor that has no such form, and why: what follows "it is".
    Unreadable(String),
}
