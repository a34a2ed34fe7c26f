//! Layers of a network that stay as they are while others are trained.

use std::collections::BTreeSet;

use sapwood_core::freeze;

use crate::{Net, net::Layer};

impl Net {
    /// The network whose parameters in these layers are not trained.
    pub fn with_frozen(self, layers: &BTreeSet<String>) -> Self {
        let layer = |path: &str| path.rsplit_once('.').map_or(path, |(layer, _)| layer).to_string();
        freeze(self, |info| {
            let path = info.path.as_str();
            // A learnt constant is its layer.
            layers.contains(path) || layers.contains(&layer(path))
        })
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
