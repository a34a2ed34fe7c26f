//! Networks of integers go into ONNX and come back.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rten_onnx::onnx::ModelProto;
use sapwood_graph::{
    Activation, Array, Conv, DType, Graph, Grid, Op, Packed, ParamPath, Per, Points, Quantized,
    QuantizedNetwork, State,
};
use sapwood_onnx::{Error, Form, Note, Options, export_quantized, import};

use crate::round_trip::state;

const FORMS: [Form; 2] = [Form::Qdq, Form::QOperator];

/// Integers of some type in the place of floating point, those of linear layers with one scale.
fn integers(value: &Array, dtype: DType) -> Quantized {
    let held = dtype.integers().unwrap();
    let span = held.end() - held.start() + 1;
    let numbers = (0..value.len()).map(|at| held.start() + (at as i64 * 37 + 11) % span);
    let values = match dtype {
        DType::I8 => Array::new(value.shape(), numbers.map(|q| q as i8).collect::<Vec<_>>()),
        DType::U8 => Array::new(value.shape(), numbers.map(|q| q as u8).collect::<Vec<_>>()),
        _ => Array::new(value.shape(), Packed::new(dtype, numbers).unwrap()),
    };
    let outputs = value.shape()[0];
    let (per, shape) =
        if value.shape().len() == 2 { (Per::Tensor, vec![]) } else { (Per::Axis(0), vec![outputs]) };
    let scale = Array::from_fn(shape, |at| 0.01 + at as f32 / 1024.0);
    Quantized::new(values.unwrap(), per, scale, None).unwrap()
}

/// A network with all its layers in integers, and its values on bytes.
fn network(graph: Graph, dtype: DType, [low, high]: [i32; 2]) -> QuantizedNetwork {
    let mut rest = state(&graph);
    let mut weights = std::collections::BTreeMap::new();
    for node in graph.nodes().iter().filter(|node| matches!(node.op, Op::Conv(_) | Op::Linear { .. })) {
        let path = ParamPath::from(format!("{}.weight", node.name));
        let value = rest.0.remove(&path).unwrap();
        weights.insert(path, integers(&value, dtype));
    }
    let points = Points::of(&graph, &BTreeSet::new());
    let grid = |at: usize| {
        let op = graph.nodes()[at].op;
        let zero = match (op, low) {
            (_, -127) => 0,
            (Op::Activation(Activation::Relu | Activation::Relu6), low) => low,
            (_, low) => low + 100 + at as i32,
        };
        let six = op == Op::Activation(Activation::Relu6);
        let scale = if six { 6.0 / (high - low) as f32 } else { 0.03 + at as f32 / 512.0 };
        Grid::new(scale, zero, [low, high]).unwrap()
    };
    let grids = points.own().map(|(at, _)| (at, grid(at))).collect();
    QuantizedNetwork { graph, weights, rest, grids, dynamic: BTreeSet::new() }
}

/// Every operation that has a form on integers.
fn residual() -> Graph {
    let mut g = Graph::builder([3, 12, 12]);
    let x = g.conv("stem", g.input(), Conv::new(4, 3).same());
    let x = g.activation(x, Activation::Relu6);
    let x = g.max_pool(x, 3, 2, 1);
    let y = g.conv("block.conv1", x, Conv::new(4, 3).same().groups(4));
    let y = g.relu(y);
    let y = g.conv("block.conv2", y, Conv::new(4, 1).no_bias());
    let x = g.add(y, x);
    let x = g.relu(x);
    let y = g.conv("left", x, Conv::new(2, 1));
    let z = g.conv("right", x, Conv::new(3, 1));
    let x = g.concat(&[y, z], 1);
    let x = g.avg_pool(x, 2);
    let x = g.conv("wide", x, Conv::new(6, 3).same());
    let x = g.relu(x);
    let x = g.linear("fc1", x, 7);
    let x = g.relu(x);
    g.linear("fc2", x, 5);
    g.finish().unwrap()
}

fn assert_comes_back(network: &QuantizedNetwork, form: Form, opset: i64) {
    let options = Options { opset, ..Options::default() };
    let bytes = export_quantized(network, form, &options).unwrap();
    let found = import(&bytes).unwrap();
    assert_eq!(found.notes, [Note::Rounded]);
    let found = found.quantized().unwrap();
    assert_eq!(found.graph, network.graph, "{form:?}");
    assert_eq!(found.weights, network.weights, "{form:?}");
    assert_eq!(found.grids.keys().collect::<Vec<_>>(), network.grids.keys().collect::<Vec<_>>(), "{form:?}");
    // Biases are multiples of a scale from now on, and always the same ones.
    let again = export_quantized(&found, form, &options).unwrap();
    let symmetric = network.grids.values().any(|grid| grid.integers()[0] == -127);
    assert!(again == bytes || symmetric, "{form:?}");
}

#[test]
fn what_is_written_in_either_form_is_read_as_the_network_it_was() {
    for bounds in [[0, 255], [-128, 127]] {
        let network = network(residual(), DType::I8, bounds);
        for (form, opset) in
            FORMS.into_iter().flat_map(|form| [17, 18, 20, 21, 22].map(|opset| (form, opset)))
        {
            assert_comes_back(&network, form, opset);
            let bytes = export_quantized(&network, form, &Options { opset, ..Options::default() }).unwrap();
            assert_eq!(import(&bytes).unwrap().quantized().unwrap().grids, network.grids, "{form:?}");
        }
    }
    // Symmetric integers leave one out, which ONNX has.
    let network = network(residual(), DType::I8, [-127, 127]);
    assert_comes_back(&network, Form::Qdq, 18);
}

#[test]
fn few_bits_are_packed_where_onnx_has_them_and_bytes_before() {
    let of = |dtype| network(residual(), dtype, [0, 255]);
    assert_comes_back(&of(DType::I4), Form::Qdq, 21);
    let size = |opset| {
        export_quantized(&of(DType::I4), Form::Qdq, &Options { opset, ..Options::default() }).unwrap().len()
    };
    assert!(size(21) + 300 < size(20), "{} and {}", size(21), size(20));
    for (dtype, form) in [(DType::I4, Form::QOperator), (DType::I2, Form::Qdq), (DType::U2, Form::Qdq)] {
        let bytes = export_quantized(&of(dtype), form, &Options::default()).unwrap();
        let found = import(&bytes).unwrap();
        let expected = of(dtype).weights["fc1.weight"].dequantized();
        assert_eq!(found.state.0["fc1.weight"], expected);
    }
}

fn operations(bytes: &[u8]) -> String {
    let graph = ModelProto::parse_buf(bytes).unwrap().graph.unwrap();
    let names = graph.node.iter().filter_map(|node| node.op_type.clone());
    let short = names.map(|name| {
        name.replace("QuantizeLinear", "Q").replace("DeQ", "DQ").replace("DequantizeLinear", "D")
    });
    short.collect::<Vec<_>>().join(" ")
}

#[test]
fn roundings_stand_where_onnx_runtime_puts_them() {
    let mut g = Graph::builder([1, 8, 8]);
    let x = g.conv("conv", g.input(), Conv::new(2, 3).same());
    let x = g.relu(x);
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.linear("fc1", x, 4);
    let x = g.relu(x);
    g.linear("fc2", x, 2);
    let graph = g.finish().unwrap();
    let written = |form, bounds| {
        let network = network(graph.clone(), DType::I8, bounds);
        operations(&export_quantized(&network, form, &Options::default()).unwrap())
    };
    assert_eq!(
        written(Form::Qdq, [0, 255]),
        "Q D D D Conv Relu Q D MaxPool Q D Flatten Q D D D Gemm Relu Q D D D Gemm Identity"
    );
    // Where 0 lies in the middle, rounding is no ReLU: both are rounded.
    assert_eq!(
        written(Form::Qdq, [-127, 127]),
        "Q D D D Conv Q D Relu Q D MaxPool Q D Flatten Q D D D Gemm Q D Relu Q D D D Gemm Identity"
    );
    assert_eq!(written(Form::QOperator, [0, 255]), "Q QLinearConv MaxPool Flatten QGemm QGemm Identity");
    assert_eq!(
        written(Form::QOperator, [-127, 127]),
        "Q QLinearConv Relu MaxPool Flatten QGemm Relu QGemm Identity"
    );
}

#[test]
fn layers_in_floating_point_stay_and_read_rounded_values() {
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.conv("stem", g.input(), Conv::new(4, 3).same());
    let x = g.activation(x, Activation::HSwish);
    let y = g.conv("conv", x, Conv::new(4, 3).same());
    let x = g.add(y, x);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 2);
    let graph = g.finish().unwrap();
    let mut network = network(graph.clone(), DType::I8, [0, 255]);
    network.weights.remove("conv.weight");
    network.rest.0.insert("conv.weight".into(), state(&graph).0["conv.weight"].clone());
    for form in FORMS {
        assert_comes_back(&network, form, 18);
    }
    let written = export_quantized(&network, Form::QOperator, &Options::default()).unwrap();
    assert!(
        operations(&written).contains("Conv HardSwish Q D Conv Q QLinearAdd QLinearGlobalAveragePool"),
        "{}",
        operations(&written)
    );
}

#[test]
fn what_onnx_cannot_say_is_one_line() {
    let mut g = Graph::builder([4, 1, 1]);
    g.linear("fc", g.input(), 2);
    let network = network(g.finish().unwrap(), DType::I8, [0, 255]);
    let said = |network: &QuantizedNetwork, form| {
        let error = export_quantized(network, form, &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Unwritable { .. }));
        (error.to_string(), error.later_opset())
    };
    let mut dynamic = network.clone();
    dynamic.dynamic.insert("fc".into());
    let mut narrow = network.clone();
    narrow.grids.insert(0, Grid::new(0.5, 3, [0, 127]).unwrap());
    let mut groups = network.clone();
    let weight = Array::new([2, 4], vec![1i8; 8]).unwrap();
    let per = Per::Group { axis: 1, size: 2 };
    let scale = Array::new([2, 2], vec![0.5f32, 0.25, 0.125, 1.0]).unwrap();
    groups.weights.insert("fc.weight".into(), Quantized::new(weight, per, scale, None).unwrap());
    let (mut wide, mut both) = (network.clone(), groups.clone());
    wide.grids.insert(0, Grid::new(0.5, 3, [0, 65535]).unwrap());
    both.grids = narrow.grids.clone();
    for (network, expected, later) in [
        (&dynamic, "layer `fc` rounds what it reads row by row, which ONNX does not say", None),
        (&narrow, "layer `input` is rounded to the integers 0 to 127, which are no type of opset 18", None),
        (&both, "layer `input` is rounded to the integers 0 to 127, which are no type of opset 18", None),
        (
            &wide,
            "layer `input` is rounded to the integers 0 to 65535, which are no type of opset 18",
            Some(21),
        ),
        (&groups, "layer `fc` has weights in groups, which are written from opset 21 on", Some(21)),
    ] {
        for form in FORMS {
            let (said, opset) = said(network, form);
            assert!(said.starts_with(&format!("cannot be written at opset 18: {expected}")), "{said}");
            assert_eq!(opset, later, "{said}");
        }
    }
    assert_comes_back(&groups, Form::Qdq, 21);
}

#[test]
fn what_needs_more_integers_than_a_type_has_is_one_line() {
    let mut g = Graph::builder([4, 1, 1]);
    g.linear("fc", g.input(), 2);
    let network = network(g.finish().unwrap(), DType::I8, [0, 255]);
    let (mut wide, mut large) = (network.clone(), network);
    wide.grids.insert(1, Grid::new(0.5, 0, [i32::MIN, i32::MAX]).unwrap());
    large.rest.0.insert("fc.bias".into(), Array::new([2], vec![0.5f32, 1e9]).unwrap());
    for (network, expected) in [
        (&wide, "layer `fc` is rounded to the integers -2147483648 to 2147483647, which are no type"),
        (&large, "layer `fc` has a bias of 1000000000, which 32 bits do not hold in steps of "),
    ] {
        for form in FORMS {
            let said = export_quantized(network, form, &Options::default()).unwrap_err().to_string();
            assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
        }
    }
}

#[test]
fn parameters_keep_their_numbers() {
    let network = network(residual(), DType::I8, [0, 255]);
    let bytes = export_quantized(&network, Form::Qdq, &Options::default()).unwrap();
    let found = import(&bytes).unwrap();
    for (path, weight) in &network.weights {
        assert_eq!(found.state.0[path], weight.dequantized());
    }
    let State(rest) = &network.rest;
    for (path, bias) in rest {
        let step = 0.05 * 0.05;
        let far = |(a, b): (f32, f32)| (a - b).abs() > step;
        assert!(!bias.iter().zip(found.state.0[path].iter()).any(far), "{path}");
    }
}

/// Layers, activations, pools and sums in any order, on planes of 12 pixels a side.
fn drawn(choices: &[u8]) -> Graph {
    let mut g = Graph::builder([3, 12, 12]);
    let mut x = g.conv("stem", g.input(), Conv::new(4, 3).same());
    let mut before = x;
    for (at, choice) in choices.iter().enumerate() {
        let shape = g.shape(x);
        let next = match choice % 9 {
            0 => g.relu(x),
            1 => g.activation(x, Activation::Relu6),
            2 => g.max_pool(x, 3, 1, 1),
            3 => g.conv(&format!("conv{at}"), x, Conv::new(4, 3).same()),
            4 => {
                g.conv(&format!("depthwise{at}"), x, Conv::new(shape[0], 3).same().groups(shape[0]).no_bias())
            }
            5 if shape == g.shape(before) => g.add(x, before),
            6 if shape[1] > 3 => g.avg_pool(x, 2),
            7 if shape[0] < 16 => g.concat(&[x, x], 1),
            8 => g.activation(x, Activation::HSwish),
            _ => g.conv(&format!("pointwise{at}"), x, Conv::new(5, 1)),
        };
        before = if choice / 9 % 2 == 0 { x } else { before };
        x = next;
    }
    g.linear("fc", x, 3);
    g.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_put_together_comes_back(choices in prop::collection::vec(any::<u8>(), 0..12), signed: bool) {
        let graph = drawn(&choices);
        let network = network(graph, DType::I8, if signed { [-128, 127] } else { [0, 255] });
        for form in FORMS {
            let bytes = export_quantized(&network, form, &Options::default()).unwrap();
            let found = import(&bytes).unwrap().quantized().unwrap();
            prop_assert_eq!(&found.graph, &network.graph);
            prop_assert_eq!(&found.weights, &network.weights);
            prop_assert_eq!(&found.grids, &network.grids);
        }
    }
}
