//! The ResNets for ImageNet (He et al. 2015, table 1) as torchvision builds them,
//! and the same with a stem for small images.

use sapwood_core::{Conv, Graph, GraphBuilder, Wire, graph::Error};

use crate::Spec;

/// How the image enters.
#[derive(Clone, Copy)]
pub(super) enum Stem {
    /// 7x7 with stride 2, then a max-pool: for ImageNet.
    Large,
    /// 3x3 with stride 1 and no pool: for CIFAR.
    Small,
}

/// A residual block: adds its layers and returns what is added to the shortcut.
type Block = fn(&mut GraphBuilder, &str, Wire, usize, usize) -> Wire;

/// The block, the factor by which its output is wider, and the blocks per stage.
type Plan = (Block, usize, [usize; 4]);

pub(super) const RESNET_18: Plan = (basic, 1, [2, 2, 2, 2]);
pub(super) const RESNET_34: Plan = (basic, 1, [3, 4, 6, 3]);
pub(super) const RESNET_50: Plan = (bottleneck, 4, [3, 4, 6, 3]);
/// ResNeXt-50 32x4d (Xie et al. 2017, table 1).
pub(super) const RESNEXT_50: Plan = (grouped, 4, [3, 4, 6, 3]);
/// Wide ResNet-50-2 (Zagoruyko & Komodakis 2016).
pub(super) const WIDE_RESNET_50: Plan = (wide, 4, [3, 4, 6, 3]);

pub(super) fn resnet(spec: &Spec, (block, expansion, stages): Plan, stem: Stem) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let (kernel, stride) = match stem {
        Stem::Large => (7, 2),
        Stem::Small => (3, 1),
    };
    let x = g.conv("conv1", g.input(), Conv::new(spec.width(64), kernel).stride(stride).same().no_bias());
    let x = g.batch_norm("bn1", x);
    let mut x = g.relu(x);
    if let Stem::Large = stem {
        x = g.max_pool(x, 3, 2, 1);
    }
    for (stage, &blocks) in stages.iter().enumerate() {
        let channels = spec.width(64 << stage);
        for index in 0..blocks {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("layer{}.{index}", stage + 1);
            let y = block(&mut g, &name, x, channels, stride);
            let shortcut = shortcut(&mut g, &name, x, channels * expansion, stride);
            let sum = g.add(y, shortcut);
            x = g.relu(sum);
        }
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, spec.classes);
    g.finish()
}

fn basic(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    let conv = Conv::new(channels, 3).same().no_bias();
    let x = conv_bn(g, name, 1, x, conv.stride(stride));
    let x = g.relu(x);
    conv_bn(g, name, 2, x, conv)
}

fn bottleneck(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    narrowed(g, name, x, channels, (channels, 1), stride)
}

/// In 32 groups, of 4 channels in the first stage.
fn grouped(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    const GROUPS: usize = 32;
    // At other widths than 1 the groups are rounded up to one width.
    narrowed(g, name, x, channels, ((2 * channels).next_multiple_of(GROUPS), GROUPS), stride)
}

fn wide(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    narrowed(g, name, x, channels, (2 * channels, 1), stride)
}

/// A bottleneck with a middle of this width in groups, and the stride on the 3x3 convolution, as torchvision has it.
fn narrowed(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    channels: usize,
    (middle, groups): (usize, usize),
    stride: usize,
) -> Wire {
    let x = conv_bn(g, name, 1, x, Conv::new(middle, 1).no_bias());
    let x = g.relu(x);
    let x = conv_bn(g, name, 2, x, Conv::new(middle, 3).stride(stride).same().groups(groups).no_bias());
    let x = g.relu(x);
    conv_bn(g, name, 3, x, Conv::new(4 * channels, 1).no_bias())
}

fn shortcut(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    if stride == 1 && g.shape(x)[0] == channels {
        return x;
    }
    let projection = Conv::new(channels, 1).stride(stride).no_bias();
    let x = g.conv(&format!("{name}.downsample.0"), x, projection);
    g.batch_norm(&format!("{name}.downsample.1"), x)
}

fn conv_bn(g: &mut GraphBuilder, name: &str, index: usize, x: Wire, conv: Conv) -> Wire {
    let x = g.conv(&format!("{name}.conv{index}"), x, conv);
    g.batch_norm(&format!("{name}.bn{index}"), x)
}
