//! Networks put together at random.

use std::collections::BTreeSet;

use sapwood_graph::{
    Activation, Conv, DType, Error, Graph, GraphBuilder, Op, QuantizedNetwork, Scheme, Symmetry, Wire,
};

use super::{
    super::{pruned::pruned, random},
    check,
};

/// A network of layers, activations, pools, sums and values behind each other, in any order.
fn drawn(draw: &mut impl FnMut() -> f32) -> Graph {
    let mut below = |most: usize| (((draw() + 1.0) / 2.0 * most as f32) as usize).min(most - 1);
    let mut g = Graph::builder([1 + below(5), 9 + below(5), 9 + below(5)]);
    let mut x = g.conv("stem", g.input(), Conv::new(4 + 4 * below(9), 3).same());
    for at in 0..5 + below(5) {
        let [channels, height, width] = g.shape(x);
        let name = format!("layer{at}");
        let layer = |g: &mut GraphBuilder, conv| g.conv(&name, x, conv);
        let outputs = 1 + below(40);
        let next: Wire = match below(14) {
            0 => layer(&mut g, Conv::new(outputs, 1)),
            1 => layer(&mut g, Conv::new(outputs, 3).same().stride(1 + below(2))),
            2 => layer(&mut g, Conv::new(outputs, [1, 3]).same().no_bias()),
            3 => layer(&mut g, Conv::new(channels, 3).same().groups(channels)),
            4 if channels.is_multiple_of(2) => layer(&mut g, Conv::new(2 * outputs, 3).same().groups(2)),
            5 => {
                let y = layer(&mut g, Conv::new(channels, 3).same());
                if below(2) == 0 { g.add(x, y) } else { g.add(y, x) }
            }
            6 if channels < 64 => {
                let y = layer(&mut g, Conv::new(outputs, 1));
                let y = g.relu(y);
                g.concat(&[x, y], 1)
            }
            7 if height.min(width) > 3 => g.max_pool(x, 3, 2, 1),
            8 if height.min(width) > 3 => g.avg_pool(x, 2),
            9 if height.min(width) > 3 => g.subsample(x, 2, channels + 2 * below(3)),
            13 => g.add(x, x),
            10 => g.relu(x),
            11 => g.activation(x, Activation::Relu6),
            12 => {
                let all = [Activation::HSwish, Activation::Sigmoid, Activation::Tanh, Activation::Gelu];
                g.activation(x, all[below(all.len())])
            }
            _ => continue,
        };
        x = next;
    }
    x = match below(3) {
        0 => g.global_avg_pool(x),
        1 => g.flatten(x),
        _ => {
            let x = g.flatten(x);
            g.relu(x)
        }
    };
    if below(2) == 0 {
        x = g.linear("fc1", x, 1 + below(50));
        x = g.relu(x);
    }
    g.linear("fc", x, 2 + below(20));
    g.finish().unwrap()
}

/// Gives all values a grid but those that a bound alone reads, and those that lie on what they are made of.
fn rounded_everywhere(network: &mut QuantizedNetwork) -> Result<(), Error> {
    let scheme = Scheme::new(DType::U8, Symmetry::Affine)?;
    let nodes = network.graph.nodes();
    let is_bound = |op: &Op| matches!(op, Op::Activation(Activation::Relu | Activation::Relu6));
    for (at, node) in nodes.iter().enumerate().take(nodes.len() - 1) {
        let readers: Vec<usize> =
            (at + 1..nodes.len()).filter(|next| nodes[*next].inputs.contains(&at)).collect();
        let is_bounded = matches!(node.op, Op::Conv(_) | Op::Linear { .. } | Op::Add)
            && readers.len() == 1
            && is_bound(&nodes[readers[0]].op)
            && network.grids.contains_key(&readers[0]);
        let carries = matches!(node.op, Op::MaxPool(_) | Op::Subsample { .. } | Op::Flatten);
        if !is_bounded && !carries && !is_bound(&node.op) {
            network.grids.entry(at).or_insert(scheme.grid(-2.0, 2.0)?);
        }
    }
    Ok(())
}

/// Whatever is put together equals the scalar code: with all weights and with few, by all kinds of instructions.
#[test]
fn drawn_networks_are_exact() {
    let schemes =
        [(DType::U8, Symmetry::Affine), (DType::I8, Symmetry::Symmetric), (DType::I8, Symmetry::Affine)];
    let mut kernels = BTreeSet::new();
    for seed in 0..36 {
        let graph = drawn(&mut random::numbers(seed));
        let (dtype, symmetry) = schemes[seed as usize % 3];
        let mut network = random::network(graph, dtype, symmetry, seed).unwrap();
        rounded_everywhere(&mut network).unwrap();
        for (share, size) in [(1.0, 1), (0.1, 4), (0.05, 1)].into_iter().skip(seed as usize / 3 % 3).take(1) {
            network = pruned(network, share, size).unwrap();
        }
        kernels.extend(check(&network));
    }
    // Everything that there is was among it.
    for kind in [
        "3x3 dense int8",
        "3x3/2 dense int8",
        "1x1 dense int8",
        "linear dense int8",
        "depthwise int8",
        "sparse int8",
        "add int8",
        "concat int8",
        "mean int8",
        "pool int8",
        "activation int8",
        "activation int8 by a table",
        "reorder int8",
        "subsample int8",
    ] {
        assert!(
            kernels.iter().any(|kernel| kernel.starts_with(kind) || kernel.contains(kind)),
            "{kind}: {kernels:?}"
        );
    }
}
