//! `expected/operations.json`: what PyTorch computes of every operation of a graph.

use std::collections::BTreeMap;

use sapwood_core::Graph;
use serde::Deserialize;

/// One operation, as a network of its own.
#[derive(Debug, Deserialize)]
pub struct OperationCase {
    /// Its name in the file.
    pub id: String,
    /// The network.
    pub graph: Graph,
    /// Between which numbers its inputs lie.
    pub span: [f64; 2],
    /// How many rows its table has; 0 where numbers go in.
    pub entries: usize,
    /// What goes out.
    pub output: Digest,
    /// The gradients of inputs and parameters, by name.
    pub gradients: BTreeMap<String, Digest>,
}

/// A tensor, abridged.
#[derive(Debug, Deserialize)]
pub struct Digest {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its norm.
    pub norm: f64,
    /// The sums of its values times the numbers of `product.0` and so on.
    pub products: Vec<f64>,
    /// Its first values.
    pub first: Vec<f64>,
}

/// All of them, and the number of examples that each was given.
#[derive(Debug, Deserialize)]
pub struct Operations {
    /// In a batch.
    pub examples: usize,
    /// Each.
    pub cases: Vec<OperationCase>,
}

/// The operations.
pub fn operations() -> Operations {
    crate::expected::parse(include_str!("../expected/operations.json"))
}
