//! Vision transformers with elastic depth, heads and MLPs (Dosovitskiy et al. 2021, with layer
//! normalisation in front, learnt positions, and the mean of all places instead of a class
//! token).

use sapwood_core::{Activation, Conv, Graph, GraphBuilder, Shape, Wire};
use sapwood_search::{Choice, Space};

use crate::{Chosen, Error, Family};

const PATCH: usize = 4;
const CHANNELS: usize = 96;
const HEAD: usize = 24;
/// The most blocks.
const DEPTH: usize = 4;

/// Choices `d`, the blocks; `h.0`-`h.3`, the attention heads of each block, of 24 channels; and
/// `e.0`-`e.3`, the hidden channels of its MLP as a multiple of the 96 that run through.
pub(super) fn family(input: Shape, classes: usize) -> Result<Family, Error> {
    let mut choices = vec![Choice::new("d", ["2", "3", "4"])];
    for (list, options) in [("h", ["2", "3", "4"]), ("e", ["1", "2", "3"])] {
        for block in 0..DEPTH {
            let choice = Choice::new(format!("{list}.{block}"), options).gene(format!("block {block}"));
            choices.push(match block {
                0 | 1 => choice,
                2 => choice.when("d", ["3", "4"]),
                _ => choice.when("d", ["4"]),
            });
        }
    }
    Family::new(Space::new("vit-small-image", choices)?, move |chosen| graph(input, classes, chosen))
}

fn graph(input: Shape, classes: usize, chosen: &Chosen<'_>) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let x = g.conv("patch_embed.proj", g.input(), Conv::new(CHANNELS, PATCH).stride(PATCH));
    let mut x = g.position("pos_embed", x);
    for block in 0..chosen.get("d")? {
        let heads = chosen.get(&format!("h.{block}"))?;
        let expand: usize = chosen.get(&format!("e.{block}"))?;
        x = transform(&mut g, &format!("blocks.{block}"), x, heads, expand * CHANNELS);
    }
    let x = g.layer_norm("norm", x);
    let x = g.global_avg_pool(x);
    g.linear("head", x, classes);
    Ok(g.finish()?)
}

/// A linear layer at each place is a convolution of one pixel.
fn transform(g: &mut GraphBuilder, name: &str, x: Wire, heads: usize, hidden: usize) -> Wire {
    let name = |part: &str| format!("{name}.{part}");
    let y = g.layer_norm(&name("norm1"), x);
    let inputs =
        ["q", "k", "v"].map(|part| g.conv(&name(&format!("attn.{part}")), y, Conv::new(heads * HEAD, 1)));
    let y = g.attention(inputs, heads);
    let y = g.conv(&name("attn.proj"), y, Conv::new(CHANNELS, 1));
    let x = g.add(x, y);
    let y = g.layer_norm(&name("norm2"), x);
    let y = g.conv(&name("mlp.fc1"), y, Conv::new(hidden, 1));
    let y = g.activation(y, Activation::Gelu);
    let y = g.conv(&name("mlp.fc2"), y, Conv::new(CHANNELS, 1));
    g.add(x, y)
}
