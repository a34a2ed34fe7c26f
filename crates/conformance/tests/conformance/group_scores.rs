//! Scores of groups are those of the PyPI package `torch-pruning`.

use std::collections::BTreeMap;

use sapwood_backend::DeviceSpec;
use sapwood_conformance::fill;
use sapwood_core::{
    Activation, Conv, Graph, GraphBuilder, Op, ParamPath, Wire,
    graph::{Groups, Side},
    infos,
};
use sapwood_models::{Net, Spec};
use sapwood_shrink::{GroupScore, Normaliser, squares};
use serde::Deserialize;

/// What `benches/pytorch/group_scores.py` writes of a group.
#[derive(Deserialize)]
struct Expected {
    channels: usize,
    sum: f64,
    /// The sum of each score times its position.
    moment: f64,
}

fn conv_norm(g: &mut GraphBuilder, names: [&str; 2], x: Wire, conv: Conv, act: bool) -> Wire {
    let x = g.conv(names[0], x, conv.no_bias());
    let x = g.batch_norm(names[1], x);
    if act { g.activation(x, Activation::Relu6) } else { x }
}

fn mobilenet_v2() -> Graph {
    let mut g = Graph::builder([3, 64, 64]);
    let stem = Conv::new(32, 3).stride(2).padding(1);
    let image = g.input();
    let mut x = conv_norm(&mut g, ["features.0.0", "features.0.1"], image, stem, true);
    let mut number = 1;
    let rows = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    for (expand, channels, blocks, stride) in rows {
        for block in 0..blocks {
            let name = |part: &str| format!("features.{number}.conv.{part}");
            let stride = if block == 0 { stride } else { 1 };
            let hidden = expand * g.shape(x)[0];
            let (mut y, mut at) = (x, 0);
            if 1 < expand {
                y = conv_norm(&mut g, [&name("0.0"), &name("0.1")], y, Conv::new(hidden, 1), true);
                at = 1;
            }
            let depthwise = Conv::new(hidden, 3).stride(stride).padding(1).groups(hidden);
            y = conv_norm(&mut g, [&name(&format!("{at}.0")), &name(&format!("{at}.1"))], y, depthwise, true);
            let last = [name(&(at + 1).to_string()), name(&(at + 2).to_string())];
            y = conv_norm(&mut g, [&last[0], &last[1]], y, Conv::new(channels, 1), false);
            x = if stride == 1 && g.shape(x)[0] == channels { g.add(x, y) } else { y };
            number += 1;
        }
    }
    let x = conv_norm(&mut g, ["features.18.0", "features.18.1"], x, Conv::new(1280, 1), true);
    let x = g.global_avg_pool(x);
    let x = g.flatten(x);
    g.linear("classifier.1", x, 1000);
    g.finish().unwrap()
}

fn densenet_121() -> Graph {
    let mut g = Graph::builder([3, 64, 64]);
    let norm_relu = |g: &mut GraphBuilder, name: &str, x: Wire| {
        let x = g.batch_norm(name, x);
        g.relu(x)
    };
    let x = g.conv("features.conv0", g.input(), Conv::new(64, 7).stride(2).padding(3).no_bias());
    let x = norm_relu(&mut g, "features.norm0", x);
    let mut x = g.max_pool(x, 3, 2, 1);
    for (block, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        for layer in 1..=layers {
            let name = |part: &str| format!("features.denseblock{}.denselayer{layer}.{part}", block + 1);
            let y = norm_relu(&mut g, &name("norm1"), x);
            let y = g.conv(&name("conv1"), y, Conv::new(128, 1).no_bias());
            let y = norm_relu(&mut g, &name("norm2"), y);
            let y = g.conv(&name("conv2"), y, Conv::new(32, 3).same().no_bias());
            x = g.concat(&[x, y], 1);
        }
        if block < 3 {
            let name = |part: &str| format!("features.transition{}.{part}", block + 1);
            x = norm_relu(&mut g, &name("norm"), x);
            x = g.conv(&name("conv"), x, Conv::new(g.shape(x)[0] / 2, 1).no_bias());
            x = g.avg_pool(x, 2);
        }
    }
    let x = norm_relu(&mut g, "features.norm5", x);
    let x = g.global_avg_pool(x);
    let x = g.flatten(x);
    g.linear("classifier", x, 1000);
    g.finish().unwrap()
}

#[test]
fn group_l2_is_torch_prunings() {
    let text = include_str!("../../expected/group_scores.json");
    let expected: BTreeMap<String, BTreeMap<String, Expected>> = serde_json::from_str(text).unwrap();
    let resnet = Spec { input: [3, 64, 64], ..Spec::named("resnet-18").unwrap() }.graph().unwrap();
    let networks = [("resnet18", resnet), ("mobilenet_v2", mobilenet_v2()), ("densenet121", densenet_121())];
    for (name, graph) in networks {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let state = fill(&infos(&Net::new(graph.clone(), &device)));
        let groups = Groups::of(&graph).unwrap();
        let score = GroupScore { normaliser: Normaliser::None, ..GroupScore::default() };
        let mut squares = squares(&graph, &state);
        // It forgets the weights of depthwise convolutions, which leave with their channels as well.
        for node in graph.nodes() {
            if let Op::Conv(spec) = node.op
                && 1 < spec.groups
            {
                squares.remove(&ParamPath::of(&node.name, "weight"));
            }
        }
        let found = score.of(&groups, &squares).unwrap();
        let mut compared = 0;
        for (at, scores) in found.iter().enumerate().filter(|(at, _)| groups[*at].whole().is_none()) {
            let makes = groups.axes_of(at).filter(|axis| axis.side != Side::Reads);
            let makes = makes.filter(|axis| graph.nodes()[axis.node].op.has_weights());
            let first = makes.map(|axis| axis.path.layer()).min().unwrap();
            let Expected { channels, sum, moment } = expected[name][first];
            let of =
                [scores.iter().sum::<f64>(), scores.iter().zip(1..).map(|(s, at)| s * f64::from(at)).sum()];
            assert_eq!(scores.len(), channels, "{name} {first}");
            for (found, expected) in of.into_iter().zip([sum, moment]) {
                let far = (found / expected - 1.0).abs();
                assert!(far < 1e-5, "{name} {first}: {found} and not {expected}");
            }
            compared += 1;
        }
        assert_eq!(compared, expected[name].len(), "{name}");
    }
}
