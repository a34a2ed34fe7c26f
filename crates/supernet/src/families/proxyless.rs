//! ProxylessNAS blocks with elastic kernels, widths and depths (Cai et al. 2020, their code).

use sapwood_core::{Activation, Conv, Graph, Shape};
use sapwood_search::ofa_proxyless;

use super::{
    divisible,
    mbv3::resolutions,
    residual::{Block, layer},
};
use crate::{Chosen, Error, Family};

const WIDTH: f64 = 1.3;
/// Output channels and stride.
const STAGES: [(usize, usize); 6] = [(24, 2), (40, 2), (80, 2), (96, 1), (192, 2), (320, 1)];
const EPSILON: f64 = 1e-3;

/// The published space, in resolutions up to the input's.
pub(super) fn published(input: Shape, classes: usize) -> Result<Family, Error> {
    let name = "ofa-proxyless-w1.3";
    let resolutions = resolutions(name, input)?;
    let space = ofa_proxyless(&resolutions)?.named(name);
    Ok(Family::new(space, move |chosen| graph(input, classes, chosen))?.with_kernel_matrices())
}

fn graph(input: Shape, classes: usize, chosen: &Chosen<'_>) -> Result<Graph, Error> {
    let wide = |channels: usize| divisible(channels as f64 * WIDTH);
    let activation = Activation::Relu6;
    let resolution = chosen.get("r")?;
    let mut g = Graph::builder(input);
    let image = g.resize(g.input(), [resolution; 2]);
    let stem = Conv::new(wide(32), 3).stride(2).same();
    let x = layer(&mut g, "first_conv", image, stem, EPSILON, Some(activation));
    let block = |outputs: usize, expand, kernel, stride| Block {
        outputs: wide(outputs),
        expand,
        kernel,
        stride,
        activation,
        squeeze: false,
        epsilon: EPSILON,
    };
    let mut x = block(16, 1, 3, 1).add(&mut g, "blocks.0", x);
    for (stage, &(outputs, stride)) in STAGES.iter().enumerate() {
        let depth = if stage == 5 { 1 } else { chosen.get(&format!("d.{stage}"))? };
        for position in 0..depth {
            let index = stage * 4 + position;
            let (expand, kernel) = (chosen.get(&format!("e.{index}"))?, chosen.get(&format!("ks.{index}"))?);
            let stride = if position == 0 { stride } else { 1 };
            x = block(outputs, expand, kernel, stride).add(&mut g, &format!("blocks.{}", index + 1), x);
        }
    }
    let x = layer(&mut g, "feature_mix_layer", x, Conv::new(wide(1280), 1), EPSILON, Some(activation));
    let x = g.global_avg_pool(x);
    g.linear("classifier.linear", x, classes);
    Ok(g.finish()?)
}
