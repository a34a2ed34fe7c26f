//! Layers of a network that stay as they are while others are trained.

use std::collections::BTreeSet;

use sapwood_core::freeze;

use crate::{Net, net::Layer};

impl Net {
    /// The network whose parameters in these layers are not trained.
    pub fn with_frozen(self, layers: &BTreeSet<String>) -> Self {
        freeze(self, |info| info.path.is_of(layers))
    }

    /// The network whose batch normalisations in these layers use their running statistics in training too, and
    /// leave them as they are. Names of other layers are passed over.
    pub fn with_still_statistics(mut self, layers: &BTreeSet<String>) -> Self {
        for (node, layer) in self.graph.nodes().iter().zip(&mut self.layers) {
            if let Layer::BatchNorm(norm) = layer
                && layers.contains(&node.name)
            {
                norm.still = true;
            }
        }
        self
    }
}
