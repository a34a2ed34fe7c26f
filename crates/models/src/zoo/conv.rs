//! Conv-2, Conv-4 and Conv-6 (Frankle & Carbin 2019, figure 2): VGG-like, without
//! normalisation.

use sapwood_core::{Conv, Graph, graph::Error};

use crate::Spec;

/// `depth` convolutions in pairs of 64, 128 and 256 channels, a pool after each
/// pair, then three fully connected layers.
pub(super) fn conv(spec: &Spec, depth: usize) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let mut x = g.input();
    for layer in 1..=depth {
        let channels = spec.width(64 << ((layer - 1) / 2));
        x = g.conv(&format!("conv{layer}"), x, Conv::new(channels, 3).same());
        x = g.relu(x);
        if layer % 2 == 0 {
            x = g.max_pool(x, 2, 2, 0);
        }
    }
    x = g.flatten(x);
    for name in ["fc1", "fc2"] {
        x = g.linear(name, x, spec.width(256));
        x = g.relu(x);
    }
    g.linear("fc3", x, spec.classes);
    g.finish()
}
