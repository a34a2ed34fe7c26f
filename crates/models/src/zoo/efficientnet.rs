//! EfficientNet-B0 (Tan & Le 2019, table 1) under the names of those who publish weights of it.

use sapwood_core::{
    Activation::{Sigmoid, Silu},
    Conv, Graph, GraphBuilder, Shape, Wire,
    graph::Error,
};

use super::slow::slow;

/// Expansion, kernel, stride of the first, channels, blocks.
const STAGES: [[usize; 5]; 7] = [
    [1, 3, 1, 16, 1],
    [6, 3, 2, 24, 2],
    [6, 5, 2, 40, 2],
    [6, 3, 2, 80, 3],
    [6, 5, 1, 112, 3],
    [6, 5, 2, 192, 4],
    [6, 3, 1, 320, 1],
];
const STEM: usize = 32;
const HEAD: usize = 1280;

/// What its parts are called: a convolution, and the normalisation behind it.
type Layer = [String; 2];

/// The layers of a block.
struct Names {
    expand: Layer,
    depthwise: Layer,
    squeeze: Layer,
    project: Layer,
}

/// One of those who publish weights of it.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    stem: [&'static str; 2],
    /// For the stage, the block in it, its number in the network, and whether it expands.
    block: fn(usize, usize, usize, bool) -> Names,
    head: [&'static str; 2],
    classifier: &'static str,
    /// Whether it is TensorFlow's: planes are padded so that a stride divides them, the odd row below; normalisation
    /// adds 1e-3, and its statistics move by a hundredth.
    tensorflow: bool,
}

fn layer(convolution: String, norm: String) -> Layer {
    [convolution, norm]
}

fn torchvision(stage: usize, block: usize, _: usize, expands: bool) -> Names {
    let first = usize::from(expands);
    let part = |number: usize| format!("features.{}.{block}.block.{number}", stage + 1);
    let both = |number: usize| layer(format!("{}.0", part(number)), format!("{}.1", part(number)));
    Names {
        expand: both(0),
        depthwise: both(first),
        squeeze: layer(format!("{}.fc1", part(first + 1)), format!("{}.fc2", part(first + 1))),
        project: both(first + 2),
    }
}

fn timm(stage: usize, block: usize, _: usize, expands: bool) -> Names {
    let of = |name: &str| format!("blocks.{stage}.{block}.{name}");
    let squeeze = layer(of("se.conv_reduce"), of("se.conv_expand"));
    match expands {
        true => Names {
            expand: layer(of("conv_pw"), of("bn1")),
            depthwise: layer(of("conv_dw"), of("bn2")),
            squeeze,
            project: layer(of("conv_pwl"), of("bn3")),
        },
        false => Names {
            expand: Layer::default(),
            depthwise: layer(of("conv_dw"), of("bn1")),
            squeeze,
            project: layer(of("conv_pw"), of("bn2")),
        },
    }
}

fn lukemelas(_: usize, _: usize, number: usize, _: bool) -> Names {
    let of = |name: &str| format!("_blocks.{number}.{name}");
    Names {
        expand: layer(of("_expand_conv"), of("_bn0")),
        depthwise: layer(of("_depthwise_conv"), of("_bn1")),
        squeeze: layer(of("_se_reduce"), of("_se_expand")),
        project: layer(of("_project_conv"), of("_bn2")),
    }
}

pub(super) const TORCHVISION: Variant = Variant {
    stem: ["features.0.0", "features.0.1"],
    block: torchvision,
    head: ["features.8.0", "features.8.1"],
    classifier: "classifier.1",
    tensorflow: false,
};

pub(super) const TIMM: Variant = Variant {
    stem: ["conv_stem", "bn1"],
    block: timm,
    head: ["conv_head", "bn2"],
    classifier: "classifier",
    tensorflow: false,
};

pub(super) const TF: Variant = Variant { tensorflow: true, ..TIMM };

pub(super) const LUKEMELAS: Variant = Variant {
    stem: ["_conv_stem", "_bn0"],
    block: lukemelas,
    head: ["_conv_head", "_bn1"],
    classifier: "_fc",
    tensorflow: true,
};

/// `width` gives the width of what is so wide at full width.
pub(super) fn b0(
    variant: Variant,
    input: Shape,
    classes: usize,
    width: impl Fn(usize) -> usize,
) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let input = g.input();
    let mut x = variant.conv_bn(&mut g, variant.stem, input, (width(STEM), 3, 2, 1), true);
    let (mut before, mut number) = (STEM, 0);
    for (stage, [expansion, kernel, stride, channels, blocks]) in STAGES.into_iter().enumerate() {
        for block in 0..blocks {
            let names = (variant.block)(stage, block, number, 1 < expansion);
            let stride = if block == 0 { stride } else { 1 };
            let hidden = g.shape(x)[0] * expansion;
            let mut y = x;
            if 1 < expansion {
                y = variant.conv_bn(&mut g, names.expand, y, (hidden, 1, 1, 1), true);
            }
            y = variant.conv_bn(&mut g, names.depthwise, y, (hidden, kernel, stride, hidden), true);
            y = squeeze(&mut g, &names.squeeze, y, width(before / 4));
            y = variant.conv_bn(&mut g, names.project, y, (width(channels), 1, 1, 1), false);
            x = if stride == 1 && before == channels { g.add(y, x) } else { y };
            (before, number) = (channels, number + 1);
        }
    }
    let x = variant.conv_bn(&mut g, variant.head, x, (width(HEAD), 1, 1, 1), true);
    let x = g.global_avg_pool(x);
    g.linear(variant.classifier, x, classes);
    let graph = g.finish()?;
    if variant.tensorflow { slow(&graph) } else { Ok(graph) }
}

impl Variant {
    /// A convolution of this number of outputs, kernel, stride and groups, with its normalisation and perhaps an activation.
    fn conv_bn(
        self,
        g: &mut GraphBuilder,
        [name, norm]: [impl AsRef<str>; 2],
        x: Wire,
        (outputs, kernel, stride, groups): (usize, usize, usize, usize),
        bent: bool,
    ) -> Wire {
        let [_, h, w] = g.shape(x);
        let conv = Conv::new(outputs, kernel).stride(stride).groups(groups).no_bias();
        let conv = match self.tensorflow {
            true => {
                let ([top, bottom], [left, right]) = (around(h, kernel, stride), around(w, kernel, stride));
                conv.padding([top, left, bottom, right])
            }
            false => conv.same(),
        };
        let x = g.conv(name.as_ref(), x, conv);
        let x = g.batch_norm_with(norm.as_ref(), x, if self.tensorflow { 1e-3 } else { 1e-5 });
        if bent { g.activation(x, Silu) } else { x }
    }
}

/// TensorFlow's SAME: what is added before and behind so that each stride has a window, the odd one behind.
fn around(size: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let windows = size.div_ceil(stride).max(1);
    let all = ((windows - 1) * stride + kernel).saturating_sub(size);
    [all / 2, all - all / 2]
}

/// Channels weighted by what all of the image says of them.
fn squeeze(g: &mut GraphBuilder, [reduce, expand]: &Layer, x: Wire, narrow: usize) -> Wire {
    let channels = g.shape(x)[0];
    let s = g.global_avg_pool(x);
    let s = g.conv(reduce, s, Conv::new(narrow, 1));
    let s = g.activation(s, Silu);
    let s = g.conv(expand, s, Conv::new(channels, 1));
    let s = g.activation(s, Sigmoid);
    g.scale(x, s)
}
