//! The inverted residual block (Sandler et al. 2018; Howard et al. 2019, section 3).

use sapwood_core::{Activation, Conv, GraphBuilder, Wire};

use super::divisible;

/// What a block is, beside its name.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) outputs: usize,
    /// Hidden channels are this number of times the input's.
    pub(super) expand: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) activation: Activation,
    pub(super) squeeze: bool,
    pub(super) epsilon: f64,
}

/// A convolution without bias, its normalisation and what follows.
pub(super) fn layer(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    conv: Conv,
    epsilon: f64,
    activation: Option<Activation>,
) -> Wire {
    let x = g.conv(&format!("{name}.conv"), x, conv.no_bias());
    let x = g.batch_norm_with(&format!("{name}.bn"), x, epsilon);
    activation.map_or(x, |activation| g.activation(x, activation))
}

impl Block {
    /// Adds the block, under the names of the reference.
    pub(super) fn add(self, g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
        let inputs = g.shape(x)[0];
        let name = |part: &str| format!("{name}.conv.{part}");
        let (act, eps) = (Some(self.activation), self.epsilon);
        let (mut y, mut hidden) = (x, inputs);
        if self.expand != 1 {
            hidden = divisible((inputs * self.expand) as f64);
            y = layer(g, &name("inverted_bottleneck"), y, Conv::new(hidden, 1), eps, act);
        }
        let depthwise = Conv::new(hidden, self.kernel).stride(self.stride).same().groups(hidden);
        y = layer(g, &name("depth_conv"), y, depthwise, eps, act);
        if self.squeeze {
            let s = g.global_avg_pool(y);
            let s = g.conv(&name("depth_conv.se.fc.reduce"), s, Conv::new(divisible((hidden / 4) as f64), 1));
            let s = g.relu(s);
            let s = g.conv(&name("depth_conv.se.fc.expand"), s, Conv::new(hidden, 1));
            let s = g.activation(s, Activation::HSigmoid);
            y = g.scale(y, s);
        }
        y = layer(g, &name("point_linear"), y, Conv::new(self.outputs, 1), eps, None);
        if self.stride == 1 && inputs == self.outputs { g.add(y, x) } else { y }
    }
}
