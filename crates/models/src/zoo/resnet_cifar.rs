//! The ResNets of 6n+2 layers for CIFAR (He et al. 2015, section 4.2).

use sapwood_core::{Conv, Graph, GraphBuilder, Wire, graph::Error};

use crate::{Shortcut, Spec};

/// Three stages of `n` blocks with 16, 32 and 64 channels.
pub(super) fn resnet(spec: &Spec, n: usize) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let x = g.conv("conv1", g.input(), Conv::new(spec.width(16), 3).same().no_bias());
    let x = g.batch_norm("bn1", x);
    let mut x = g.relu(x);
    for (stage, channels) in [16, 32, 64].into_iter().enumerate() {
        for index in 0..n {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("layer{}.{index}", stage + 1);
            x = block(&mut g, &name, x, spec.width(channels), stride, spec.shortcut);
        }
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, spec.classes);
    g.finish()
}

fn block(
    g: &mut GraphBuilder,
    name: &str,
    x: Wire,
    channels: usize,
    stride: usize,
    shortcut: Shortcut,
) -> Wire {
    let conv = Conv::new(channels, 3).same().no_bias();
    let y = g.conv(&format!("{name}.conv1"), x, conv.stride(stride));
    let y = g.batch_norm(&format!("{name}.bn1"), y);
    let y = g.relu(y);
    let y = g.conv(&format!("{name}.conv2"), y, conv);
    let y = g.batch_norm(&format!("{name}.bn2"), y);
    let x = match shortcut {
        _ if stride == 1 && g.shape(x)[0] == channels => x,
        Shortcut::A => g.subsample(x, stride, channels),
        Shortcut::B => {
            let projection = Conv::new(channels, 1).stride(stride).no_bias();
            let x = g.conv(&format!("{name}.downsample.0"), x, projection);
            g.batch_norm(&format!("{name}.downsample.1"), x)
        }
    };
    let sum = g.add(y, x);
    g.relu(sum)
}
