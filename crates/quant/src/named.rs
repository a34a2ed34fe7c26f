//! The layers that a user means.

use std::collections::BTreeSet;

use sapwood_graph::{Exceptions, Graph, Op};

use crate::Error;

/// The convolutions (`conv`) and linear layers (`linear`) that exceptions describe.
///
/// # Errors
/// One that describes none.
pub fn named(exceptions: &Exceptions, graph: &Graph) -> Result<BTreeSet<String>, Error> {
    let layers = graph.nodes().iter().filter_map(|node| match node.op {
        Op::Conv(_) => Some((&node.name[..], "conv")),
        Op::Linear { .. } => Some((&node.name[..], "linear")),
        _ => None,
    });
    Ok(exceptions.among(layers)?.into_iter().map(String::from).collect())
}
