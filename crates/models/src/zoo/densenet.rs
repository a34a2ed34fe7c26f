//! DenseNet-121 (Huang et al. 2017, table 1) as torchvision and timm build it.

use sapwood_core::{AvgPool, Conv, Graph, GraphBuilder, Op, Shape, Window, Wire, graph::Error};

/// Layers of each block, each of which adds `GROWTH` channels.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];
const GROWTH: usize = 32;

/// `width` gives the width of what is so wide at full width.
pub(super) fn densenet_121(
    input: Shape,
    classes: usize,
    width: impl Fn(usize) -> usize,
) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let growth = width(GROWTH);
    let x = g.input();
    let x = g.conv("features.conv0", x, Conv::new(width(2 * GROWTH), 7).stride(2).padding(3).no_bias());
    let x = norm_relu(&mut g, "features.norm0", x);
    let mut x = g.max_pool(x, 3, 2, 1);
    for (number, layers) in (1..).zip(BLOCKS) {
        for layer in 1..=layers {
            let new = dense(&mut g, &format!("features.denseblock{number}.denselayer{layer}"), x, growth);
            x = g.concat(&[x, new], 1);
        }
        if number < BLOCKS.len() {
            x = transition(&mut g, &format!("features.transition{number}"), x);
        }
    }
    let x = norm_relu(&mut g, "features.norm5", x);
    let x = g.global_avg_pool(x);
    g.linear("classifier", x, classes);
    g.finish()
}

/// What a layer adds to the channels that it reads.
fn dense(g: &mut GraphBuilder, name: &str, x: Wire, growth: usize) -> Wire {
    let y = norm_relu(g, &format!("{name}.norm1"), x);
    let y = g.conv(&format!("{name}.conv1"), y, Conv::new(4 * growth, 1).no_bias());
    let y = norm_relu(g, &format!("{name}.norm2"), y);
    g.conv(&format!("{name}.conv2"), y, Conv::new(growth, 3).same().no_bias())
}

/// Half the channels, in half the height and width.
fn transition(g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
    let channels = g.shape(x)[0] / 2;
    let y = norm_relu(g, &format!("{name}.norm"), x);
    let y = g.conv(&format!("{name}.conv"), y, Conv::new(channels, 1).no_bias());
    let pool = AvgPool { window: Window::new(2, 2), count_padding: false };
    g.op(&format!("{name}.pool"), Op::AvgPool(pool), &[y])
}

fn norm_relu(g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
    let x = g.batch_norm(name, x);
    g.relu(x)
}
