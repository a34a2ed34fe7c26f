//! MobileNetV3 (Howard et al. 2019, tables 1 and 2) as torchvision builds it.

use sapwood_core::{
    Activation::{self, HSigmoid, HSwish, Relu},
    Conv, Graph, GraphBuilder, Shape, Wire,
    graph::Error,
};

use super::slow::slow;

/// A block: kernel, width of the middle, channels, whether channels are weighted, activation, stride.
type Block = (usize, usize, usize, bool, Activation, usize);

/// The blocks, and the width of the layer before the last.
type Plan = (&'static [Block], usize);

pub(super) const LARGE: Plan = (
    &[
        (3, 16, 16, false, Relu, 1),
        (3, 64, 24, false, Relu, 2),
        (3, 72, 24, false, Relu, 1),
        (5, 72, 40, true, Relu, 2),
        (5, 120, 40, true, Relu, 1),
        (5, 120, 40, true, Relu, 1),
        (3, 240, 80, false, HSwish, 2),
        (3, 200, 80, false, HSwish, 1),
        (3, 184, 80, false, HSwish, 1),
        (3, 184, 80, false, HSwish, 1),
        (3, 480, 112, true, HSwish, 1),
        (3, 672, 112, true, HSwish, 1),
        (5, 672, 160, true, HSwish, 2),
        (5, 960, 160, true, HSwish, 1),
        (5, 960, 160, true, HSwish, 1),
    ],
    1280,
);

pub(super) const SMALL: Plan = (
    &[
        (3, 16, 16, true, Relu, 2),
        (3, 72, 24, false, Relu, 2),
        (3, 88, 24, false, Relu, 1),
        (5, 96, 40, true, HSwish, 2),
        (5, 240, 40, true, HSwish, 1),
        (5, 240, 40, true, HSwish, 1),
        (5, 120, 48, true, HSwish, 1),
        (5, 144, 48, true, HSwish, 1),
        (5, 288, 96, true, HSwish, 2),
        (5, 576, 96, true, HSwish, 1),
        (5, 576, 96, true, HSwish, 1),
    ],
    1024,
);

/// `width` gives the width of what is so wide at full width.
pub(super) fn mobilenet_v3(
    (blocks, last): Plan,
    input: Shape,
    classes: usize,
    width: impl Fn(usize) -> usize,
) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let (input, mut before) = (g.input(), 16);
    let stem = Conv::new(width(before), 3).stride(2).same().no_bias();
    let mut x = conv_bn(&mut g, "features.0", input, stem, Some(HSwish));
    for (index, block) in (1..).zip(blocks) {
        let wide = (width(block.1), width(block.2));
        x = inverted(&mut g, &format!("features.{index}.block"), x, (before, wide), block);
        before = block.2;
    }
    let wide = 6 * g.shape(x)[0];
    let name = format!("features.{}", blocks.len() + 1);
    let x = conv_bn(&mut g, &name, x, Conv::new(wide, 1).no_bias(), Some(HSwish));
    let x = g.global_avg_pool(x);
    let x = g.linear("classifier.0", x, width(last));
    let x = g.activation(x, HSwish);
    g.linear("classifier.3", x, classes);
    slow(&g.finish()?)
}

/// `before` are the channels that come in, at full width: which layers there are depends on no other width. Beside it are the
/// widths of the middle and of what goes out.
fn inverted(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    (before, (wide, narrow)): (usize, (usize, usize)),
    block: &Block,
) -> Wire {
    let &(kernel, hidden, channels, weighted, activation, stride) = block;
    let (mut y, mut layer) = (x, 0..);
    let mut next = || format!("{name}.{}", layer.next().unwrap_or_default());
    if hidden != before {
        y = conv_bn(g, &next(), y, Conv::new(wide, 1).no_bias(), Some(activation));
    }
    let depthwise = Conv::new(wide, kernel).stride(stride).same().groups(wide).no_bias();
    y = conv_bn(g, &next(), y, depthwise, Some(activation));
    if weighted {
        y = squeeze(g, &next(), y);
    }
    y = conv_bn(g, &next(), y, Conv::new(narrow, 1).no_bias(), None);
    if stride == 1 && before == channels { g.add(y, x) } else { y }
}

/// Channels weighted by what all of the image says of them: squeeze and excitation.
fn squeeze(g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
    let channels = g.shape(x)[0];
    let s = g.global_avg_pool(x);
    let s = g.conv(&format!("{name}.fc1"), s, Conv::new(of_eight(channels / 4), 1));
    let s = g.relu(s);
    let s = g.conv(&format!("{name}.fc2"), s, Conv::new(channels, 1));
    let s = g.activation(s, HSigmoid);
    g.scale(x, s)
}

/// The nearest multiple of 8 that is not less than nine tenths.
fn of_eight(channels: usize) -> usize {
    let nearest = ((channels + 4) / 8 * 8).max(8);
    if 10 * nearest < 9 * channels { nearest + 8 } else { nearest }
}

fn conv_bn(g: &mut GraphBuilder, name: &str, x: Wire, conv: Conv, activation: Option<Activation>) -> Wire {
    let x = g.conv(&format!("{name}.0"), x, conv);
    let x = g.batch_norm_with(&format!("{name}.1"), x, 1e-3);
    activation.map_or(x, |activation| g.activation(x, activation))
}
