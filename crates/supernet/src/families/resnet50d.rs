//! ResNet-50D with elastic depths, widths and bottlenecks (Cai et al. 2020, their code;
//! He et al. 2019, section 4).

use sapwood_core::{Activation, Conv, Graph, GraphBuilder, Shape, Wire};
use sapwood_search::ofa_resnet50d;

use super::{divisible, mbv3::resolutions, residual::layer};
use crate::{Chosen, Error, Family};

/// Output channels, the blocks that are always there, and the stride.
const STAGES: [(usize, usize, usize); 4] = [(256, 2, 1), (512, 2, 2), (1024, 4, 2), (2048, 2, 2)];
const EPSILON: f64 = 1e-5;
const RELU: Option<Activation> = Some(Activation::Relu);

/// The published space, in resolutions up to the input's.
pub(super) fn published(input: Shape, classes: usize) -> Result<Family, Error> {
    let resolutions = resolutions("ofa-resnet50d", input)?;
    Family::new(ofa_resnet50d(&resolutions)?, move |chosen| graph(input, classes, chosen))
}

fn graph(input: Shape, classes: usize, chosen: &Chosen<'_>) -> Result<Graph, Error> {
    let wide = |width: usize, channels: usize| -> Result<usize, Error> {
        Ok(divisible(channels as f64 * chosen.get::<f64>(&format!("w.{width}"))?))
    };
    let resolution = chosen.get("r")?;
    let mut g = Graph::builder(input);
    let image = g.resize(g.input(), [resolution; 2]);
    // The two widths of the stem: within it, and of what leaves it.
    let within = divisible((wide(0, 64)? / 2) as f64);
    let stem = Conv::new(within, 3).stride(2).same();
    let mut x = layer(&mut g, "input_stem.0", image, stem, EPSILON, RELU);
    if chosen.get::<usize>("d.0")? != 0 {
        let y = layer(&mut g, "input_stem.1.conv", x, Conv::new(within, 3).same(), EPSILON, RELU);
        x = g.add(y, x);
    }
    let x = layer(&mut g, "input_stem.2", x, Conv::new(wide(1, 64)?, 3).same(), EPSILON, RELU);
    let mut x = g.max_pool(x, 3, 2, 1);
    let mut first = 0;
    for (stage, &(outputs, always, stride)) in STAGES.iter().enumerate() {
        let outputs = wide(stage + 2, outputs)?;
        let further: usize = chosen.get(&format!("d.{}", stage + 1))?;
        for position in 0..always + further {
            let index = first + position;
            let expand: f64 = chosen.get(&format!("e.{index}"))?;
            let hidden = divisible((outputs as f64 * expand).round());
            let stride = if position == 0 { stride } else { 1 };
            x = bottleneck(&mut g, &format!("blocks.{index}"), x, [hidden, outputs], stride);
        }
        first += always + 2;
    }
    let x = g.global_avg_pool(x);
    g.linear("classifier.linear", x, classes);
    Ok(g.finish()?)
}

fn bottleneck(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    [hidden, outputs]: [usize; 2],
    stride: usize,
) -> Wire {
    let name = |part: &str| format!("{name}.{part}");
    let y = layer(g, &name("conv1"), x, Conv::new(hidden, 1), EPSILON, RELU);
    let y = layer(g, &name("conv2"), y, Conv::new(hidden, 3).stride(stride).same(), EPSILON, RELU);
    let y = layer(g, &name("conv3"), y, Conv::new(outputs, 1), EPSILON, None);
    let shortcut = match stride == 1 && g.shape(x)[0] == outputs {
        true => x,
        false => {
            let pooled = if stride == 1 { x } else { g.avg_pool(x, stride) };
            layer(g, &name("downsample"), pooled, Conv::new(outputs, 1), EPSILON, None)
        }
    };
    let sum = g.add(y, shortcut);
    g.relu(sum)
}
