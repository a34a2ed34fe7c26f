//! MobileNetV2 (Sandler et al. 2018, table 2) as torchvision builds it.

use sapwood_core::{Activation, Conv, Graph, GraphBuilder, Shape, Wire, graph::Error};

/// Expansion, channels, blocks, stride of the first.
const STAGES: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];

/// `width` gives the width of what is so wide at full width.
pub(super) fn mobilenet_v2(
    input: Shape,
    classes: usize,
    width: impl Fn(usize) -> usize,
) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let stem = Conv::new(width(32), 3).stride(2).same().no_bias();
    let input = g.input();
    let mut x = conv_bn(&mut g, "features.0", input, stem);
    let mut index = 1;
    for [expansion, channels, blocks, stride] in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { stride } else { 1 };
            // The first block of a stage changes stride or channels.
            let name = format!("features.{index}.conv");
            x = inverted(&mut g, &name, x, expansion, width(channels), (stride, block > 0));
            index += 1;
        }
    }
    let x = conv_bn(&mut g, &format!("features.{index}"), x, Conv::new(width(1280), 1).no_bias());
    let x = g.global_avg_pool(x);
    g.linear("classifier.1", x, classes);
    g.finish()
}

/// A block whose middle is wider than its ends; the first one does not widen.
fn inverted(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    expansion: usize,
    channels: usize,
    (stride, residual): (usize, bool),
) -> Wire {
    let hidden = g.shape(x)[0] * expansion;
    let (mut y, mut layer) = (x, 0);
    if expansion != 1 {
        y = conv_bn(g, &format!("{name}.0"), y, Conv::new(hidden, 1).no_bias());
        layer = 1;
    }
    let depthwise = Conv::new(hidden, 3).stride(stride).same().groups(hidden).no_bias();
    y = conv_bn(g, &format!("{name}.{layer}"), y, depthwise);
    y = g.conv(&format!("{name}.{}", layer + 1), y, Conv::new(channels, 1).no_bias());
    y = g.batch_norm(&format!("{name}.{}", layer + 2), y);
    if residual { g.add(y, x) } else { y }
}

fn conv_bn(g: &mut GraphBuilder, name: &str, x: Wire, conv: Conv) -> Wire {
    let x = g.conv(&format!("{name}.0"), x, conv);
    let x = g.batch_norm(&format!("{name}.1"), x);
    g.activation(x, Activation::Relu6)
}
