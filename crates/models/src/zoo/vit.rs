//! Vision transformers (Dosovitskiy et al. 2021) under the names of those who publish weights of them.

mod kind;

use sapwood_core::{Activation::Gelu, Conv, Dims, Graph, GraphBuilder, Op, Shape, Slice, Wire, graph::Error};

pub(crate) use kind::unlike;

/// Channels of a head.
const HEAD: usize = 64;
/// How many times as wide an MLP is between its two layers.
const WIDER: usize = 4;
/// Added to the variances of normalisations.
const EPSILON: f64 = 1e-6;

/// Heads, blocks, and the sides of a patch.
type Plan = [usize; 3];

pub(super) const TINY: Plan = [3, 12, 16];
pub(super) const SMALL: Plan = [6, 12, 16];
pub(super) const BASE: Plan = [12, 12, 16];
pub(super) const CIFAR: Plan = [3, 6, 4];

/// One of those who publish weights of them.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    /// The convolution that makes places of patches.
    patches: &'static str,
    /// What stands before all places, and gathers what the head reads.
    token: &'static str,
    /// What is learnt of each place.
    positions: &'static str,
    /// What the layers of a block begin with, up to its number.
    block: &'static str,
    /// Of a block the normalisations, the layers around the attention, and those of the MLP.
    norms: [&'static str; 2],
    attention: [&'static str; 2],
    mlp: [&'static str; 2],
    /// The last normalisation.
    norm: &'static str,
    head: &'static str,
}

pub(super) const TIMM: Variant = Variant {
    patches: "patch_embed.proj",
    token: "cls_token",
    positions: "pos_embed",
    block: "blocks.",
    norms: ["norm1", "norm2"],
    attention: ["attn.qkv", "attn.proj"],
    mlp: ["mlp.fc1", "mlp.fc2"],
    norm: "norm",
    head: "head",
};

pub(super) const TORCHVISION: Variant = Variant {
    patches: "conv_proj",
    token: "class_token",
    positions: "encoder.pos_embedding",
    block: "encoder.layers.encoder_layer_",
    norms: ["ln_1", "ln_2"],
    attention: ["self_attention.in_proj", "self_attention.out_proj"],
    mlp: ["mlp.0", "mlp.3"],
    norm: "encoder.ln",
    head: "heads.head",
};

/// What is learnt and belongs to no layer: tokens and positions.
pub(crate) const LEARNT: [&str; 4] = [TIMM.token, TIMM.positions, TORCHVISION.token, TORCHVISION.positions];

/// What is learnt of each place, under any of these names.
pub(crate) const POSITIONS: [&str; 2] = [TIMM.positions, TORCHVISION.positions];

/// `width` gives the number of heads for the number at full width. A network with `h` heads has `64 h` channels.
pub(super) fn vit(
    variant: Variant,
    [heads, blocks, patch]: Plan,
    input: Shape,
    classes: usize,
    width: impl Fn(usize) -> usize,
) -> Result<Graph, Error> {
    let [_, h, w] = input;
    if !h.is_multiple_of(patch) || !w.is_multiple_of(patch) {
        let problem = format!(
            "its {patch}x{patch} patches do not divide its {h}x{w} input: give sides that are multiples of {patch}"
        );
        return Err(Error::Graph { layer: variant.patches.into(), problem });
    }
    let heads = width(heads);
    let (channels, places) = (HEAD * heads, h / patch * (w / patch));
    let mut g = Graph::builder(input);
    let x = g.conv(variant.patches, g.input(), Conv::new(channels, patch).stride(patch));
    let x = g.reshape(x, each([channels, places]));
    let x = g.transpose(x, &[0, 2, 1]);
    let token = g.constant(variant.token, &[1, 1, channels], true);
    let token = g.op("expand", Op::Expand(each([1, channels])), &[token]);
    let x = g.concat(&[token, x], 1);
    let positions = g.constant(variant.positions, &[1, places + 1, channels], true);
    let mut x = g.add(x, positions);
    for block in 0..blocks {
        x = variant.block(&mut g, block, x, heads);
    }
    let x = g.layer_norm_last(variant.norm, x, EPSILON);
    let x = g.slice(x, Slice { axis: 1, start: 0, length: 1, step: 1 });
    let x = g.flatten(x);
    g.linear(variant.head, x, classes);
    g.finish()
}

/// For each example values in two dimensions.
fn each(sizes: [usize; 2]) -> Dims {
    Dims::batch_of(&sizes).unwrap_or_else(|| unreachable!("three dimensions are not too many"))
}

impl Variant {
    /// `[n, places, channels]` to the same.
    fn block(self, g: &mut GraphBuilder, number: usize, x: Wire, heads: usize) -> Wire {
        let name = |layer: &str| format!("{}{number}.{layer}", self.block);
        let channels = HEAD * heads;
        let y = g.layer_norm_last(&name(self.norms[0]), x, EPSILON);
        let all = g.linear_at_places(&name(self.attention[0]), y, 3 * channels);
        // The queries of all heads lie before their keys, and these before their values.
        let parts = [0, 1, 2].map(|part| {
            let part = g.slice(all, Slice { axis: 2, start: part * channels, length: channels, step: 1 });
            g.transpose(part, &[0, 2, 1])
        });
        let y = g.attention(parts, heads);
        let y = g.transpose(y, &[0, 2, 1]);
        let y = g.linear_at_places(&name(self.attention[1]), y, channels);
        let x = g.add(x, y);
        let y = g.layer_norm_last(&name(self.norms[1]), x, EPSILON);
        let y = g.linear_at_places(&name(self.mlp[0]), y, WIDER * channels);
        let y = g.activation(y, Gelu);
        let y = g.linear_at_places(&name(self.mlp[1]), y, channels);
        g.add(x, y)
    }
}
