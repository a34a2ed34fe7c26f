//! Quantised files as others write them.

use sapwood_graph::{Activation, Array, DType, Grid, Op, PadMode, Per};
use sapwood_onnx::{Imported, Note};

use crate::{
    foreign::{IMAGES, operations},
    written::Foreign,
};

/// A scale, and a zero point of bytes, under a name with `_s` and `_z` behind it.
trait Scaled {
    fn bytes_at(self, name: &str, scale: f32, zero: u8) -> Self;
    fn pair(self, from: &str, to: &str, by: &str) -> Self;
    /// A convolution of 2 channels with a weight in integers, of kernel 1.
    fn conv(self, from: &str, name: &str, to: &str) -> Self;
}

impl Scaled for Foreign {
    fn bytes_at(self, name: &str, scale: f32, zero: u8) -> Self {
        self.floats(&format!("{name}_s"), &[], |_| scale).unsigned(&format!("{name}_z"), &[], &[zero])
    }

    fn pair(self, from: &str, to: &str, by: &str) -> Self {
        let inputs = |x: &str| format!("{x} {by}_s {by}_z");
        let integers = format!("{to}_q");
        self.node("QuantizeLinear", &inputs(from), &integers, &[]).node(
            "DequantizeLinear",
            &inputs(&integers),
            to,
            &[],
        )
    }

    fn conv(self, from: &str, name: &str, to: &str) -> Self {
        self.signed(&format!("{name}.weight_quantized"), &[2, 2, 1, 1], &[1, -2, 3, -127])
            .floats(&format!("{name}_s"), &[2], |at| 0.25 + at as f32)
            .signed(&format!("{name}_z"), &[2], &[0, 0])
            .node(
                "DequantizeLinear",
                &format!("{name}.weight_quantized {name}_s {name}_z"),
                &format!("{name}_w"),
                &["axis=0"],
            )
            .node("Conv", &format!("{from} {name}_w"), to, &[])
    }
}

fn grids(found: &Imported) -> Vec<(usize, f32, i32)> {
    let integers = found.integers.as_ref().expect("integers");
    integers.grids.iter().map(|(at, grid)| (*at, grid.scale(), grid.zero_point())).collect()
}

#[test]
fn the_relu_that_a_quantiser_leaves_out_comes_back() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 10)
        .bytes_at("b", 0.25, 0)
        .bytes_at("c", 6.0 / 255.0, 0)
        .pair("x", "x1", "a")
        .conv("x1", "conv1", "y1")
        .pair("y1", "y2", "b")
        .node("MaxPool", "y2", "y3", &["kernel_shape=[2, 2]", "strides=[2, 2]"])
        .pair("y3", "y4", "b")
        .conv("y4", "conv2", "y5")
        .pair("y5", "y6", "c")
        .conv("y6", "conv3", "y");
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "conv1 relu max_pool conv2 relu6 conv3");
    assert_eq!(grids(&found), [(0, 0.5, 10), (2, 0.25, 0), (5, 6.0 / 255.0, 0)]);
    assert_eq!(found.notes, [Note::Rounded]);
    let network = found.quantized().unwrap();
    let weight = &network.weights["conv1.weight"];
    assert_eq!((weight.dtype(), weight.per(), weight.zero_point()), (DType::I8, Per::Axis(0), None));
    assert_eq!(weight.values().as_slice::<i8>().unwrap(), [1, -2, 3, -127]);
    assert_eq!(found.state.0["conv1.weight"].as_slice::<f32>().unwrap(), [0.25, -0.5, 3.75, -158.75]);
    assert!(network.rest.0.is_empty());
}

#[test]
fn integers_go_through_what_only_moves_them() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 10)
        .node("QuantizeLinear", "x a_s a_z", "q", &[])
        .node("MaxPool", "q", "p", &["kernel_shape=[2, 2]", "strides=[2, 2]"])
        .node("Flatten", "p", "f", &["axis=1"])
        .node("DequantizeLinear", "f a_s a_z", "d", &[])
        .signed("fc.weight", &[32, 2], &(0..64).collect::<Vec<i8>>())
        .floats("w_s", &[2], |at| 0.25 + at as f32)
        .node("DequantizeLinear", "fc.weight w_s", "w", &["axis=1"])
        .node("MatMul", "d w", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "max_pool flatten fc");
    assert_eq!(grids(&found), [(0, 0.5, 10)]);
    // Rows are outputs, and so scales are those of rows.
    let weight = &found.integers.as_ref().unwrap().weights["fc.weight"];
    assert_eq!((weight.shape(), weight.per()), (&[2, 32][..], Per::Axis(0)));
    assert_eq!(weight.values().as_slice::<i8>().unwrap()[..3], [0, 2, 4]);
    assert_eq!(weight.dequantized(), found.state.0["fc.weight"]);
}

#[test]
fn weights_that_a_training_rounds_are_integers() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 128)
        .pair("x", "x1", "a")
        .floats("conv.weight", &[2, 2, 1, 1], |at| [0.1, -0.3, 0.25, 9.0][at])
        .floats("w_s", &[2], |at| [0.1, 0.05][at])
        .signed("w_z", &[2], &[0, 0])
        .node("QuantizeLinear", "conv.weight w_s w_z", "q", &["axis=0"])
        .node("DequantizeLinear", "q w_s w_z", "w", &["axis=0"])
        .node("Conv", "x1 w", "y", &[]);
    let found = file.import().unwrap();
    let weight = &found.integers.as_ref().unwrap().weights["conv.weight"];
    assert_eq!(weight.values().as_slice::<i8>().unwrap(), [1, -3, 5, 127]);
}

#[test]
fn unsigned_weights_around_their_middle_are_signed_ones() {
    let file = |zero: u8| {
        Foreign::new(13, IMAGES)
            .unsigned("conv.weight", &[2, 2, 1, 1], &[0, 128, 129, 255])
            .floats("w_s", &[], |_| 0.5)
            .unsigned("w_z", &[], &[zero])
            .node("DequantizeLinear", "conv.weight w_s w_z", "w", &[])
            .node("Conv", "x w", "y", &[])
            .import()
            .unwrap()
    };
    let weight = |found: &Imported| found.integers.as_ref().unwrap().weights["conv.weight"].clone();
    let (middle, other) = (file(128), file(7));
    assert_eq!(weight(&middle).values().as_slice::<i8>().unwrap(), [-128, 0, 1, 127]);
    assert_eq!(weight(&other).zero_point(), Some(&Array::new([], vec![7i32]).unwrap()));
    assert_eq!(other.state.0["conv.weight"].as_slice::<f32>().unwrap(), [-3.5, 60.5, 61.0, 124.0]);
    assert!(middle.notes.is_empty() && grids(&middle).is_empty());
}

#[test]
fn operations_on_integers_are_those_on_numbers() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 10)
        .bytes_at("b", 0.25, 3)
        .bytes_at("c", 0.125, 0)
        .signed("conv.weight", &[2, 2, 1, 1], &[1, -2, 3, -127])
        .floats("w_s", &[2], |at| 0.25 + at as f32)
        .signed("w_z", &[2], &[0, 0])
        .whole("bias", &[2], &[100, -3])
        .node("QuantizeLinear", "x a_s a_z", "q", &[])
        .node("QLinearConv", "q a_s a_z conv.weight w_s w_z b_s b_z bias", "r", &["group=1"])
        .of_runtime("QLinearAdd", "r b_s b_z q a_s a_z c_s c_z", "s", &[])
        .of_runtime("QLinearGlobalAveragePool", "s c_s c_z a_s a_z", "t", &["channels_last=0"])
        .node("Flatten", "t", "u", &["axis=1"])
        .signed("fc.weight", &[3, 2], &[1, 2, 3, 4, 5, 6])
        .floats("f_s", &[3], |at| 0.5 + at as f32)
        .signed("f_z", &[3], &[0, 0, 0])
        .whole("fc_b", &[3], &[8, 0, 0])
        .of_runtime("QGemm", "u a_s a_z fc.weight f_s f_z fc_b", "y", &["transB=1"]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "conv add relu global_avg_pool flatten fc");
    assert_eq!(grids(&found), [(0, 0.5, 10), (1, 0.25, 3), (3, 0.125, 0), (4, 0.5, 10)]);
    // Multiples of the products of both scales.
    assert_eq!(found.state.0["conv.bias"].as_slice::<f32>().unwrap(), [12.5, -1.875]);
    assert_eq!(found.state.0["fc.bias"].as_slice::<f32>().unwrap(), [2.0, 0.0, 0.0]);
    assert_eq!(found.quantized().unwrap().weights.len(), 2);
}

#[test]
fn what_only_some_read_rounded_is_a_node_of_its_own_and_said() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 10)
        .bytes_at("b", 0.25, 3)
        .pair("x", "x1", "a")
        .pair("x", "x2", "b")
        .pair("x", "x3", "a")
        .conv("x1", "conv1", "y1")
        .conv("x2", "conv2", "y2")
        .node("Add", "x3 y1", "y3", &[])
        .node("Add", "y3 y2", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "reshape reshape conv1 conv2 add add");
    assert_eq!(grids(&found), [(1, 0.5, 10), (2, 0.25, 3)]);
    assert_eq!(found.notes, [Note::Rounded, Note::Apart(vec!["x".into(), "x".into()])]);
    assert_eq!(found.graph.nodes()[5].inputs, [1, 3]);
}

#[test]
fn a_rounding_stands_between_what_would_otherwise_be_one_layer() {
    let file = Foreign::new(13, &[None, Some(2)])
        .bytes_at("a", 0.5, 10)
        .pair("x", "x1", "a")
        .signed("w_q", &[2, 2], &[1, 2, 3, 4])
        .node("DequantizeLinear", "w_q a_s", "w", &[])
        .node("MatMul", "x1 w", "m", &[])
        .pair("m", "m1", "a")
        .floats("fc.bias", &[2], |at| at as f32)
        .node("Add", "m1 fc.bias", "y", &[]);
    let found = file.import().unwrap();
    let Op::Linear { bias, .. } = found.graph.nodes()[1].op else { panic!("{:?}", found.graph.nodes()[1]) };
    assert!(!bias && grids(&found) == [(0, 0.5, 10), (1, 0.5, 10)]);
}

#[test]
fn roundings_around_a_layer_at_places_are_no_changes_of_dimensions() {
    let file = |dims: &[Option<i64>]| {
        Foreign::new(13, dims)
            .bytes_at("a", 0.5, 10)
            .bytes_at("b", 0.25, 128)
            .signed("fc.weight", &[2, 3], &[1, 2, 3, 4, 5, 6])
            .node("DequantizeLinear", "fc.weight a_s", "w", &[])
    };
    let places = file(&[None, Some(4), Some(2)])
        .pair("x", "x1", "a")
        .node("MatMul", "x1 w", "m", &[])
        .pair("m", "m1", "b")
        .node("Relu", "m1", "y", &[]);
    let found = places.import().unwrap();
    let expected = vec![(0, 0.5, 10), (1, 0.25, 128)];
    assert_eq!((operations(&found), grids(&found)), ("fc relu".into(), expected));

    let rows = file(&[None, Some(3), Some(2)])
        .integers("rows", &[-1, 2])
        .integers("apart", &[3, -1, 3])
        .node("Transpose", "x", "t", &["perm=[1, 0, 2]"])
        .node("Reshape", "t rows", "r", &[])
        .pair("r", "x1", "a")
        .node("MatMul", "x1 w", "m", &[])
        .node("Reshape", "m apart", "u", &[])
        .node("Transpose", "u", "y", &["perm=[1, 0, 2]"]);
    let found = rows.import().unwrap();
    assert_eq!(operations(&found), "transpose reshape fc reshape transpose");
    assert_eq!(grids(&found), [(0, 0.5, 10)]);
}

#[test]
fn what_goes_out_rounded_is_rounded_whoever_else_reads_it() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 0.5, 10)
        .bytes_at("b", 0.25, 128)
        .pair("x", "x1", "a")
        .conv("x1", "conv", "c")
        .pair("c", "c1", "b")
        .node("Relu", "c1", "r", &[])
        .pair("r", "y", "b")
        .also("c1");
    let found = file.import().unwrap();
    let expected = vec![(0, 0.5, 10), (1, 0.25, 128)];
    assert_eq!((operations(&found), grids(&found)), ("conv relu".into(), expected));
}

#[test]
fn what_contradicts_itself_is_one_line_that_names_the_node() {
    let base = || Foreign::new(13, IMAGES).bytes_at("a", 0.5, 10).bytes_at("b", 0.25, 10);
    let said = |file: Foreign| {
        let said = file.refused();
        said.trim_start_matches("it has operations that a network here cannot have: ").to_string()
    };
    let quantized = || base().node("QuantizeLinear", "x a_s a_z", "q", &[]);
    for (file, expected) in [
        (
            quantized().node("DequantizeLinear", "q b_s b_z", "y", &[]),
            "DequantizeLinear by scale and zero point 0.25 and 10 of integers made by 0.5 and 10 (1 node: `/y/DequantizeLinear`)",
        ),
        (
            base().floats("s", &[], |_| -1.0).node("QuantizeLinear", "x s a_z", "y", &[]),
            "QuantizeLinear where quantisation: expected a positive scale, and 0 among the integers 0 to 255, found -1 and 10 (1 node: `/y/QuantizeLinear`)",
        ),
        (
            base().floats("s", &[2], |_| 1.0).node("QuantizeLinear", "x s a_z", "y", &["axis=1"]),
            "QuantizeLinear of values with 2 scales (1 node: `/y/QuantizeLinear`)",
        ),
        (
            base().node("QuantizeLinear", "x x a_z", "y", &[]),
            "QuantizeLinear with a scale that is computed (1 node: `/y/QuantizeLinear`)",
        ),
        (
            base().whole("z", &[], &[0]).node("QuantizeLinear", "x a_s z", "y", &[]),
            "QuantizeLinear to integers of more than 16 bits (1 node: `/y/QuantizeLinear`)",
        ),
        (
            base().floats("z", &[], |_| 0.0).node("QuantizeLinear", "x a_s z", "y", &[]),
            "QuantizeLinear with a zero point that is computed or of another type (1 node: `/y/QuantizeLinear`)",
        ),
        (
            base().signed("w", &[2, 2, 1, 1], &[1; 4]).node("DequantizeLinear", "w a_s a_z", "v", &[]).node(
                "Conv",
                "x v",
                "y",
                &[],
            ),
            "DequantizeLinear with a zero point of another type than its integers (1 node: `/v/DequantizeLinear`)",
        ),
        (
            base()
                .signed("w", &[2, 2, 1, 1], &[1; 4])
                .floats("s", &[3], |_| 1.0)
                .node("DequantizeLinear", "w s", "v", &["axis=0"])
                .node("Conv", "x v", "y", &[]),
            "DequantizeLinear with 3 scales for [2, 2, 1, 1], which takes 2 (1 node: `/v/DequantizeLinear`)",
        ),
        (quantized().node("Sigmoid", "q", "y", &[]), "Sigmoid of integers (1 node: `/y/Sigmoid`)"),
        (
            quantized().signed("w", &[2, 2, 1, 1], &[1; 4]).node("ConvInteger", "q w", "y", &[]),
            "ConvInteger (1 node: `/y/ConvInteger`)",
        ),
    ] {
        assert_eq!(said(file), expected);
    }
}

#[test]
fn activations_that_cut_nothing_off_are_not_invented() {
    let file = Foreign::new(13, IMAGES)
        .bytes_at("a", 1.0 / 255.0, 0)
        .pair("x", "x1", "a")
        .node("Sigmoid", "x1", "s", &[])
        .pair("s", "s1", "a")
        .conv("s1", "conv", "y");
    let found = file.import().unwrap();
    assert_eq!(found.graph.nodes()[1].op, Op::Activation(Activation::Sigmoid));
    assert_eq!(operations(&found), "sigmoid conv");
    let grid = Grid::new(1.0 / 255.0, 0, [0, 255]).unwrap();
    assert_eq!(found.integers.unwrap().grids, [(0, grid), (1, grid)].into());
}

#[test]
fn what_is_put_around_integers_is_the_number_that_it_stands_for() {
    let file = |around: &str| {
        Foreign::new(13, IMAGES)
            .bytes_at("a", 0.5, 10)
            .unsigned("nine", &[], &[9])
            .integers("pads", &[0, 0, 1, 1, 0, 0, 1, 1])
            .node("QuantizeLinear", "x a_s a_z", "q", &[])
            .node("Pad", &format!("q pads{around}"), "p", &[])
            .node("DequantizeLinear", "p a_s a_z", "d", &[])
            .conv("d", "conv", "y")
            .import()
            .unwrap()
    };
    for (around, expected) in [(" a_z", 0.0), (" nine", -0.5), ("", -5.0)] {
        let found = file(around);
        let Op::Pad(pad) = found.graph.nodes()[1].op else { panic!("{:?}", found.graph.nodes()[1]) };
        assert_eq!(pad.with, PadMode::Constant(expected));
        assert_eq!(grids(&found), [(0, 0.5, 10), (1, 0.5, 10)]);
    }
}

#[test]
fn integers_that_go_out_are_the_numbers_for_which_they_stand() {
    let file = Foreign::new(13, IMAGES).bytes_at("a", 0.5, 10).conv("x", "conv", "z");
    let found = file.node("QuantizeLinear", "z a_s a_z", "y", &[]).import().unwrap();
    assert_eq!((operations(&found), grids(&found)), ("conv".into(), vec![(1, 0.5, 10)]));
    assert_eq!(found.notes, [Note::Levels, Note::Rounded]);
}
