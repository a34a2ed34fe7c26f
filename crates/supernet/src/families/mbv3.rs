//! MobileNetV3 with elastic kernels, widths and depths (Cai et al. 2020, section 4.1).

use sapwood_core::{Activation, Conv, Graph, Shape};
use sapwood_search::{Choice, Space, ofa_mbv3};

use super::{
    divisible,
    residual::{Block, layer},
};
use crate::{Chosen, Error, Family};

/// Widths, strides and options of the stages.
#[derive(Clone, Copy)]
struct Plan {
    stem: usize,
    stem_stride: usize,
    first: usize,
    /// Output channels, stride, activation, squeeze and excitation.
    stages: &'static [(usize, usize, Activation, bool)],
    /// The most blocks of a stage.
    depth: usize,
    head: usize,
    mixed: usize,
    width: f64,
}

const PUBLISHED: Plan = Plan {
    stem: 16,
    stem_stride: 2,
    first: 16,
    stages: &[
        (24, 2, Activation::Relu, false),
        (40, 2, Activation::Relu, true),
        (80, 2, Activation::HSwish, false),
        (112, 1, Activation::HSwish, true),
        (160, 2, Activation::HSwish, true),
    ],
    depth: 4,
    head: 960,
    mixed: 1280,
    width: 1.0,
};

/// Three stages at full, half and quarter resolution.
const SMALL_IMAGE: Plan = Plan {
    stem: 16,
    stem_stride: 1,
    first: 16,
    stages: &[
        (24, 2, Activation::Relu, false),
        (40, 2, Activation::HSwish, true),
        (64, 1, Activation::HSwish, true),
    ],
    depth: 3,
    head: 192,
    mixed: 256,
    width: 1.0,
};

/// The published space, in resolutions up to the input's.
pub(super) fn published(input: Shape, classes: usize, width: f64) -> Result<Family, Error> {
    let name = format!("ofa-mbv3-w{width:?}");
    let resolutions = resolutions(&name, input)?;
    let space = ofa_mbv3(&resolutions)?.named(name);
    let plan = Plan { width, ..PUBLISHED };
    Ok(Family::new(space, move |chosen| graph(plan, input, classes, chosen))?.with_kernel_matrices())
}

/// A space for small images: 3 stages of 1 to 3 blocks, kernel 3 or 5, expand 2, 3 or 4, in three
/// resolutions from three quarters of the input's; fewer where these are the same.
pub(super) fn small_image(input: Shape, classes: usize) -> Result<Family, Error> {
    let side = square("mbv3-small-image", input)?;
    let mut resolutions = vec![side - side / 4, side - side / 8, side];
    resolutions.dedup();
    let mut choices = vec![Choice::new("r", resolutions.iter().map(usize::to_string))];
    choices.extend((0..3).map(|stage| Choice::new(format!("d.{stage}"), ["1", "2", "3"])));
    for (list, options) in [("ks", &["3", "5"][..]), ("e", &["2", "3", "4"])] {
        for block in 0..9 {
            let choice = Choice::new(format!("{list}.{block}"), options.iter().copied());
            let choice = choice.gene(format!("block {block}"));
            choices.push(match block % 3 {
                0 => choice,
                1 => choice.when(format!("d.{}", block / 3), ["2", "3"]),
                _ => choice.when(format!("d.{}", block / 3), ["3"]),
            });
        }
    }
    let space = Space::new("mbv3-small-image", choices)?;
    Ok(Family::new(space, move |chosen| graph(SMALL_IMAGE, input, classes, chosen))?.with_kernel_matrices())
}

/// The published resolutions, as far as the images have them.
pub(super) fn resolutions(family: &str, input: Shape) -> Result<Vec<u32>, Error> {
    let side = square(family, input)?;
    let found: Vec<u32> = (128..=224).step_by(4).filter(|r| *r as usize <= side).collect();
    let problem = format!("its images have a side of 128 to 224 pixels, a multiple of 4, not of {side}");
    match found.last() == Some(&(side as u32)) {
        true => Ok(found),
        false => Err(Error::Family { family: family.into(), problem }),
    }
}

/// The height and width of images that are square.
fn square(family: &str, [_, height, width]: Shape) -> Result<usize, Error> {
    let problem = format!("its images are square, not {height}x{width}");
    match height == width {
        true => Ok(height),
        false => Err(Error::Family { family: family.into(), problem }),
    }
}

fn graph(plan: Plan, input: Shape, classes: usize, chosen: &Chosen<'_>) -> Result<Graph, Error> {
    let wide = |channels: usize| divisible(channels as f64 * plan.width);
    let resolution = chosen.get("r")?;
    let epsilon = 1e-5;
    let mut g = Graph::builder(input);
    let image = g.resize(g.input(), [resolution; 2]);
    let stem = Conv::new(wide(plan.stem), 3).stride(plan.stem_stride).same();
    let x = layer(&mut g, "first_conv", image, stem, epsilon, Some(Activation::HSwish));
    let first = Block {
        outputs: wide(plan.first),
        expand: 1,
        kernel: 3,
        stride: 1,
        activation: Activation::Relu,
        squeeze: false,
        epsilon,
    };
    let mut x = first.add(&mut g, "blocks.0", x);
    for (stage, &(outputs, stride, activation, squeeze)) in plan.stages.iter().enumerate() {
        for position in 0..chosen.get(&format!("d.{stage}"))? {
            let index = stage * plan.depth + position;
            let block = Block {
                outputs: wide(outputs),
                expand: chosen.get(&format!("e.{index}"))?,
                kernel: chosen.get(&format!("ks.{index}"))?,
                stride: if position == 0 { stride } else { 1 },
                activation,
                squeeze,
                epsilon,
            };
            x = block.add(&mut g, &format!("blocks.{}", index + 1), x);
        }
    }
    let act = Some(Activation::HSwish);
    let x = layer(&mut g, "final_expand_layer", x, Conv::new(wide(plan.head), 1), epsilon, act);
    let x = g.global_avg_pool(x);
    let x = g.conv("feature_mix_layer.conv", x, Conv::new(wide(plan.mixed), 1).no_bias());
    let x = g.activation(x, Activation::HSwish);
    g.linear("classifier.linear", x, classes);
    Ok(g.finish()?)
}
