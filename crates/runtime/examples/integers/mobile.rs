//! Networks of inverted residuals: those of telephones.

use sapwood_graph::{
    Activation::{self, HSigmoid, HSwish, Relu, Relu6, Sigmoid, Silu},
    Conv, Error, Graph, GraphBuilder, Wire,
};

/// Inverted residuals (Sandler et al. 2018).
pub(crate) fn mobilenet() -> Result<Graph, Error> {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("stem", g.input(), Conv::new(32, 3).same().stride(2));
    let mut x = g.activation(x, Relu6);
    let stages = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    for (stage, (factor, outputs, count, first)) in stages.into_iter().enumerate() {
        for block in 0..count {
            let (inputs, stride) = (g.shape(x)[0], if block == 0 { first } else { 1 });
            let (name, width) = (format!("{}.{block}", stage + 1), inputs * factor);
            let mut y = x;
            if factor > 1 {
                y = g.conv(&format!("{name}.a"), y, Conv::new(width, 1));
                y = g.activation(y, Relu6);
            }
            y = g.conv(&format!("{name}.b"), y, Conv::new(width, 3).same().stride(stride).groups(width));
            y = g.activation(y, Relu6);
            y = g.conv(&format!("{name}.c"), y, Conv::new(outputs, 1));
            x = if stride == 1 && inputs == outputs { g.add(y, x) } else { y };
        }
    }
    let x = g.conv("last", x, Conv::new(1280, 1));
    let x = g.activation(x, Relu6);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 1000);
    g.finish()
}

/// With some channels weighted by what all of the image says of them (Howard et al. 2019, table 1).
pub(crate) fn mobilenet_v3() -> Result<Graph, Error> {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("stem", g.input(), Conv::new(16, 3).same().stride(2));
    let mut x = g.activation(x, HSwish);
    let blocks = [
        (3, 16, 16, 0, Relu, 1),
        (3, 64, 24, 0, Relu, 2),
        (3, 72, 24, 0, Relu, 1),
        (5, 72, 40, 24, Relu, 2),
        (5, 120, 40, 32, Relu, 1),
        (5, 120, 40, 32, Relu, 1),
        (3, 240, 80, 0, HSwish, 2),
        (3, 200, 80, 0, HSwish, 1),
        (3, 184, 80, 0, HSwish, 1),
        (3, 184, 80, 0, HSwish, 1),
        (3, 480, 112, 120, HSwish, 1),
        (3, 672, 112, 168, HSwish, 1),
        (5, 672, 160, 168, HSwish, 2),
        (5, 960, 160, 240, HSwish, 1),
        (5, 960, 160, 240, HSwish, 1),
    ];
    for (index, (kernel, width, outputs, weighted, activation, stride)) in (1..).zip(blocks) {
        let middle = Middle { kernel, width, stride, activation };
        let weights = (weighted > 0).then_some((weighted, Relu, HSigmoid));
        x = inverted(&mut g, &index.to_string(), x, (middle, outputs), weights);
    }
    let x = g.conv("last", x, Conv::new(960, 1));
    let x = g.activation(x, HSwish);
    let x = g.global_avg_pool(x);
    let x = g.linear("wide", x, 1280);
    let x = g.activation(x, HSwish);
    g.linear("fc", x, 1000);
    g.finish()
}

/// EfficientNet-B0 (Tan & Le 2019, table 1).
pub(crate) fn efficientnet() -> Result<Graph, Error> {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("stem", g.input(), Conv::new(32, 3).same().stride(2));
    let mut x = g.activation(x, Silu);
    let stages = [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ];
    for (stage, (factor, outputs, count, first, kernel)) in stages.into_iter().enumerate() {
        for block in 0..count {
            let (inputs, stride) = (g.shape(x)[0], if block == 0 { first } else { 1 });
            let middle = Middle { kernel, width: factor * inputs, stride, activation: Silu };
            let weights = Some((inputs / 4, Silu, Sigmoid));
            x = inverted(&mut g, &format!("{}.{block}", stage + 1), x, (middle, outputs), weights);
        }
    }
    let x = g.conv("last", x, Conv::new(1280, 1));
    let x = g.activation(x, Silu);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 1000);
    g.finish()
}

/// What lies between the two narrow ends of a block.
struct Middle {
    kernel: usize,
    width: usize,
    stride: usize,
    activation: Activation,
}

/// A block, with the width and the activations of the layers that weight its channels, where there are some.
fn inverted(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    (middle, outputs): (Middle, usize),
    weights: Option<(usize, Activation, Activation)>,
) -> Wire {
    let (inputs, Middle { kernel, width, stride, activation }) = (g.shape(x)[0], middle);
    let mut y = x;
    if width != inputs {
        y = g.conv(&format!("{name}.a"), y, Conv::new(width, 1));
        y = g.activation(y, activation);
    }
    y = g.conv(&format!("{name}.b"), y, Conv::new(width, kernel).same().stride(stride).groups(width));
    y = g.activation(y, activation);
    if let Some((narrow, inner, outer)) = weights {
        let s = g.global_avg_pool(y);
        let s = g.conv(&format!("{name}.s"), s, Conv::new(narrow, 1));
        let s = g.activation(s, inner);
        let s = g.conv(&format!("{name}.t"), s, Conv::new(width, 1));
        let s = g.activation(s, outer);
        y = g.scale(y, s);
    }
    y = g.conv(&format!("{name}.c"), y, Conv::new(outputs, 1));
    if stride == 1 && inputs == outputs { g.add(y, x) } else { y }
}
