//! Networks of every operation, in shapes that are not square, of several inputs and outputs.

use sapwood_graph::{
    Activation, AvgPool, Binary, Conv, Dims, Entry, Factor, Graph, Interpolation, Op, Pad, PadMode, Places,
    Ranked, Reduction, Resize, Slice, Unary, Window,
};
use sapwood_onnx::{Options, Weights, export, import};

use crate::round_trip::{assert_comes_back, state};

fn ranked(all: &[usize]) -> Ranked<usize> {
    Ranked::new(all).unwrap()
}

#[test]
fn windows_of_every_kind_come_back() {
    for opset in 17..=22 {
        let mut g = Graph::builder([4, 11, 14]);
        let x = g.conv(
            "wide",
            g.input(),
            Conv::new(6, [1, 5]).stride([2, 1]).padding([0, 1, 2, 3]).dilation([1, 2]),
        );
        let x = g.conv(
            "up",
            x,
            Conv::new(8, [3, 2]).groups(2).stride([2, 2]).padding([1, 0, 0, 1]).transposed([1, 0]),
        );
        let window = Window {
            dilation: [2, 1].into(),
            ceil: true,
            ..Window::new([2, 3], [1, 2]).padding([1, 0, 0, 1])
        };
        let x = g.op("max_pool", Op::MaxPool(window), &[x]);
        let mean = AvgPool { window: Window::new(3, [2, 1]).padding([1, 1, 0, 1]), count_padding: true };
        let x = g.op("avg_pool", Op::AvgPool(mean), &[x]);
        let mean = AvgPool { window: Window { ceil: true, ..Window::new(2, 1) }, count_padding: false };
        let x = g.op("avg_pool", Op::AvgPool(mean), &[x]);
        let mut ends = vec![x];
        for (size, interpolation, places) in [
            ([9, 8], Interpolation::Bilinear, Places::HalfPixel),
            ([7, 16], Interpolation::Nearest, Places::Asymmetric),
            ([13, 5], Interpolation::NearestRound, Places::HalfPixel),
            ([10, 9], Interpolation::Bilinear, Places::AlignCorners),
        ] {
            ends.push(g.op("resize", Op::Resize(Resize { size: size.into(), interpolation, places }), &[x]));
        }
        ends.push(g.global_avg_pool(x));
        assert_comes_back(&g.finish_with(&ends).unwrap(), opset);

        let mut g =
            Graph::builder_of(vec![Entry { dims: Dims::batch_of(&[3, 17]).unwrap(), ..entry("signal") }]);
        let x =
            g.conv("conv", g.entry(0), Conv::new(6, [1, 5]).stride([1, 2]).padding([0, 2, 0, 1]).groups(3));
        let x = g.op("prelu", Op::Prelu { channels: 6 }, &[x]);
        let x =
            g.conv("back", x, Conv::new(4, [1, 4]).stride([1, 2]).padding([0, 1, 0, 1]).transposed([0, 1]));
        let x = g.op("max_pool", Op::MaxPool(Window::new([1, 2], [1, 2])), &[x]);
        let x = g.group_norm("instance", x, 4);
        let x = g.op("log_softmax", Op::Softmax { axis: 2, log: true }, &[x]);
        assert_comes_back(&g.finish_with(&[x]).unwrap(), opset);
    }
}

fn entry(name: &str) -> Entry {
    Entry { name: name.into(), ..Entry::images([1, 1, 1]) }
}

#[test]
fn shapes_and_functions_of_every_kind_come_back() {
    for opset in 17..=22 {
        let mut g = Graph::builder_of(vec![
            Entry { dims: Dims::rows(7), integers: true, ..entry("tokens") },
            Entry { dims: Dims::batch_of(&[7, 6]).unwrap(), ..entry("extra") },
        ]);
        let [tokens, extra] = [g.entry(0), g.entry(1)];
        let x = g.embedding("table", tokens, 100, 6);
        let x = g.add(x, extra);
        let first = g.constant("first_token", &[1, 1, 6], true);
        let first = g.op("expand", Op::Expand(Dims::batch_of(&[1, 6]).unwrap()), &[first]);
        let x = g.concat(&[first, x], 1);
        let x = g.layer_norm_last("norm", x, 1e-6);
        let q = g.linear_at_places("query", x, 8);
        let k = g.op("key", Op::Linear { inputs: 6, outputs: 8, bias: false, places: true }, &[x]);
        let heads = Dims::batch_of(&[8, 2, 4]).unwrap();
        let [q, k] = [q, k].map(|x| g.reshape(x, heads));
        let q = g.transpose(q, &[0, 2, 1, 3]);
        let k = g.transpose(k, &[0, 2, 3, 1]);
        let like = g.matmul(q, k);
        let two = g.constant("root", &[], false);
        let like = g.binary(like, two, Binary::Div);
        let like = g.softmax(like, 3);
        let windows = Dims::with_batch(&[2, 8, 8], 0).unwrap();
        let like = g.reshape(like, windows);
        let like = g.op("slice", Op::Slice(Slice { axis: 1, start: 1, length: 3, step: 2 }), &[like]);
        let back = g.reshape(like, Dims::batch_of(&[2, 3, 8]).unwrap());
        let with = PadMode::Constant(-1.5);
        let pad = Pad { before: ranked(&[0, 0, 1, 0]), after: ranked(&[0, 2, 0, 3]), with };
        let x = g.pad(back, pad);
        let x = g.pad(
            x,
            Pad { before: ranked(&[0, 0, 1, 2]), after: ranked(&[0, 0, 0, 1]), with: PadMode::Reflect },
        );
        let x = g
            .pad(x, Pad { before: ranked(&[0, 0, 0, 2]), after: ranked(&[0, 0, 1, 0]), with: PadMode::Edge });
        let mut ends = vec![x];
        for function in Unary::ALL {
            ends.push(g.unary(x, function));
        }
        for function in [Binary::Sub, Binary::Div, Binary::Pow, Binary::Max, Binary::Min] {
            ends.push(g.binary(x, two, function));
        }
        for to in Reduction::ALL {
            ends.push(g.reduce(x, to, &[1, 3], to == Reduction::Max));
        }
        assert_comes_back(&g.finish_with(&ends).unwrap(), opset);
    }
}

#[test]
fn layers_and_activations_of_every_kind_come_back() {
    for opset in 17..=22 {
        let mut g = Graph::builder([6, 5, 7]);
        let mut x = g.position("place", g.input());
        x = g.group_norm("groups", x, 3);
        x = g.layer_norm("channels", x);
        x = g.op("slope", Op::Prelu { channels: 1 }, &[x]);
        let scale = g.constant("layer_scale.gamma", &[6, 1, 1], true);
        x = g.binary(x, scale, Binary::Mul);
        let factor = |factor: f64| Factor(factor);
        for activation in [
            Activation::Relu,
            Activation::Relu6,
            Activation::HSwish,
            Activation::HSigmoid,
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Silu,
            Activation::Mish,
            Activation::Softplus,
            Activation::LeakyRelu(factor(0.1)),
            Activation::Elu(factor(0.7)),
            Activation::Selu,
            Activation::Clip(factor(-0.3), factor(2.5)),
        ] {
            x = g.activation(x, activation);
        }
        let row = g.flatten(x);
        let y = g.linear("fc", row, 4);
        assert_comes_back(&g.finish_with(&[x, y]).unwrap(), opset);
    }
}

#[test]
fn sixteen_bits_halve_the_weights_and_nothing_else() {
    let mut g = Graph::builder([3, 9, 9]);
    let x = g.conv("conv", g.input(), Conv::new(64, 3).no_bias());
    let x = g.batch_norm("bn", x);
    let x = g.global_avg_pool(x);
    let x = g.linear("fc1", x, 64);
    g.linear("fc2", x, 32);
    let graph = g.finish().unwrap();
    let state = state(&graph);
    let [wide, narrow] = [Weights::F32, Weights::F16]
        .map(|weights| export(&graph, &state, &Options { weights, ..Options::default() }).unwrap());
    let weights = 64 * 27 + 64 * 64 + 64 * 32;
    assert!(wide.len() - narrow.len() > 2 * weights - 600, "{} and {}", wide.len(), narrow.len());
    let found = import(&narrow).unwrap();
    assert_eq!(found.graph, graph);
    for (path, value) in &state.0 {
        let narrow = path.as_str().ends_with("weight") && !path.as_str().starts_with("bn");
        let far = |(a, b): (f32, f32)| (a - b).abs() / a.abs();
        let most =
            value.iter::<f32>().zip(found.state.0[path.as_str()].iter::<f32>()).map(far).fold(0.0, f32::max);
        assert!(if narrow { 0.0 < most && most < 5e-4 } else { most == 0.0 }, "{path}: {most}");
    }
}
