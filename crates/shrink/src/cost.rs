//! What a network costs on paper.

use sapwood_graph::{Graph, Groups};

use crate::{Error, Removal, layers};

/// Counts of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cost {
    /// Multiply-accumulates per example, of convolutions and linear layers.
    pub macs: u64,
    /// Trained numbers.
    pub params: u64,
    /// Bytes of all values in f32, running statistics among them.
    pub bytes: u64,
}

impl Cost {
    /// Of a network at the input for which it was built.
    ///
    /// # Errors
    /// Layers that do not fit.
    pub fn of(graph: &Graph) -> Result<Self, Error> {
        let anatomy = graph.anatomy(graph.input())?;
        let statistics = graph.nodes().iter().map(|node| match node.op {
            sapwood_graph::Op::BatchNorm { channels, .. } => 2 * channels as u64,
            _ => 0,
        });
        let params = anatomy.params();
        Ok(Self { macs: anatomy.macs(), params, bytes: 4 * (params + statistics.sum::<u64>()) })
    }

    /// Of a network that channels have left.
    ///
    /// # Errors
    /// Layers that would not fit.
    pub fn without(graph: &Graph, groups: &Groups, removal: &Removal) -> Result<Self, Error> {
        Self::of(&layers::graph(graph, groups, removal)?)
    }
}
