//! ResNets for small images with elastic depths and widths: He et al. 2015, section 4.2.

use sapwood_core::{Conv, Graph, GraphBuilder, Shape, Wire};
use sapwood_search::{Choice, Space};

use crate::{Chosen, Error, Family};

#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    stem_stride: usize,
    widths: [usize; 3],
    /// The most blocks of a stage.
    depth: usize,
}

const SMALL: Plan = Plan { name: "resnet-small-image", stem_stride: 1, widths: [16, 32, 64], depth: 3 };
const TINY: Plan = Plan { name: "resnet-tiny-image", stem_stride: 2, widths: [8, 16, 32], depth: 2 };

/// Choices `d.0`-`d.2`, the blocks of each stage, and `e.0`-`e.8`, the channels within each
/// block as a fraction of those that leave it. The largest is `resnet-20` with projections.
pub(super) fn family(input: Shape, classes: usize) -> Result<Family, Error> {
    build(SMALL, input, classes)
}

/// The same for networks that are trained in minutes: half as wide, at most two blocks in a
/// stage, and half the resolution.
pub(super) fn tiny(input: Shape, classes: usize) -> Result<Family, Error> {
    build(TINY, input, classes)
}

fn build(plan: Plan, input: Shape, classes: usize) -> Result<Family, Error> {
    let depths: Vec<String> = (1..=plan.depth).map(|depth| depth.to_string()).collect();
    let mut choices: Vec<Choice> =
        (0..3).map(|stage| Choice::new(format!("d.{stage}"), depths.clone())).collect();
    for block in 0..3 * plan.depth {
        let choice = Choice::new(format!("e.{block}"), ["0.5", "0.75", "1.0"]);
        let (stage, position) = (block / plan.depth, block % plan.depth);
        choices.push(match &depths[position..] {
            _ if position == 0 => choice,
            deeper => choice.when(format!("d.{stage}"), deeper.to_vec()),
        });
    }
    Family::new(Space::new(plan.name, choices)?, move |chosen| graph(plan, input, classes, chosen))
}

fn graph(plan: Plan, input: Shape, classes: usize, chosen: &Chosen<'_>) -> Result<Graph, Error> {
    let mut g = Graph::builder(input);
    let stem = Conv::new(plan.widths[0], 3).stride(plan.stem_stride).same().no_bias();
    let x = g.conv("conv1", g.input(), stem);
    let x = g.batch_norm("bn1", x);
    let mut x = g.relu(x);
    for (stage, width) in plan.widths.into_iter().enumerate() {
        for position in 0..chosen.get(&format!("d.{stage}"))? {
            let fraction: f64 = chosen.get(&format!("e.{}", stage * plan.depth + position))?;
            let within = (width as f64 * fraction).round() as usize;
            let stride = if stage > 0 && position == 0 { 2 } else { 1 };
            let name = format!("layer{}.{position}", stage + 1);
            x = block(&mut g, &name, x, [within, width], stride);
        }
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, classes);
    Ok(g.finish()?)
}

fn block(g: &mut GraphBuilder, name: &str, x: Wire, [within, outputs]: [usize; 2], stride: usize) -> Wire {
    let y = g.conv(&format!("{name}.conv1"), x, Conv::new(within, 3).stride(stride).same().no_bias());
    let y = g.batch_norm(&format!("{name}.bn1"), y);
    let y = g.relu(y);
    let y = g.conv(&format!("{name}.conv2"), y, Conv::new(outputs, 3).same().no_bias());
    let y = g.batch_norm(&format!("{name}.bn2"), y);
    let shortcut = match stride == 1 && g.shape(x)[0] == outputs {
        true => x,
        false => {
            let projection = Conv::new(outputs, 1).stride(stride).no_bias();
            let x = g.conv(&format!("{name}.downsample.0"), x, projection);
            g.batch_norm(&format!("{name}.downsample.1"), x)
        }
    };
    let sum = g.add(y, shortcut);
    g.relu(sum)
}
