//! What a network costs on paper.

use sapwood_graph::{Graph, Groups, Op};

use crate::{Error, Removal, layers};

/// Counts of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cost {
    /// Multiply-accumulates per example, of convolutions and linear layers.
    pub macs: u64,
    /// Trained numbers.
    pub params: u64,
    /// Bytes of all values in f32, running statistics and constants that are not learnt among them.
    pub bytes: u64,
}

impl Cost {
    /// Of a network at the input for which it was built.
    ///
    /// # Errors
    /// Layers that do not fit.
    pub fn of(graph: &Graph) -> Result<Self, Error> {
        let anatomy = graph.anatomy(graph.input())?;
        let untrained = graph.nodes().iter().map(|node| match node.op {
            Op::BatchNorm { channels, .. } => 2 * channels as u64,
            Op::Constant { dims, learnt: false } => u64::try_from(dims.values()).unwrap_or(u64::MAX / 8),
            _ => 0,
        });
        let params = anatomy.params();
        Ok(Self { macs: anatomy.macs(), params, bytes: 4 * (params + untrained.sum::<u64>()) })
    }

    /// Of a network that channels have left.
    ///
    /// # Errors
    /// Layers that would not fit.
    pub fn without(graph: &Graph, groups: &Groups, removal: &Removal) -> Result<Self, Error> {
        Self::of(&layers::graph(graph, groups, removal)?)
    }
}
