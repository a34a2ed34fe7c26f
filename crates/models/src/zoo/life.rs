//! A network that can express the Game of Life exactly (Springer & Kenyon 2020).

use sapwood_core::{Conv, Graph, graph::Error};

use crate::{Padding, Spec};

/// Per step a 3x3 convolution to `2m` channels and a 1x1 convolution to `m`, at
/// the end a 1x1 convolution to one logit per cell.
pub(super) fn life_net(spec: &Spec) -> Result<Graph, Error> {
    let m = spec.overcompleteness;
    let mut g = Graph::builder(spec.input);
    let mut x = g.input();
    for step in 0..spec.steps {
        let conv = Conv::new(2 * m, 3);
        let conv = match spec.padding {
            Padding::Zeros => conv.same(),
            Padding::Circular => {
                x = g.wrap(x, 1);
                conv
            }
        };
        x = g.conv(&format!("step{step}.conv"), x, conv);
        x = g.relu(x);
        x = g.conv(&format!("step{step}.mix"), x, Conv::new(m, 1));
        x = g.relu(x);
    }
    g.conv("out", x, Conv::new(1, 1));
    g.finish()
}
