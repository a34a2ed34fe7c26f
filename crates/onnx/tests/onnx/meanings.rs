//! What single attributes and tensors mean, as ONNX Runtime computes them.

use sapwood_graph::{Binary, Op, Ranked, Reduction, Window};
use sapwood_onnx::{Imported, Note, Options, export, import};

use crate::{
    foreign::{IMAGES, operations},
    written::Foreign,
};

const ROWS: &[Option<i64>] = &[None, Some(2)];

/// The values of all parameters, in the order of their names.
pub(crate) fn values(found: &Imported) -> Vec<f32> {
    found.state.0.values().flat_map(|value| value.as_slice::<f32>().unwrap().to_vec()).collect()
}

#[test]
fn an_attribute_without_a_value_is_zero_and_one_that_is_not_there_has_its_default() {
    let file = || Foreign::new(13, IMAGES).node("ReduceMean", "x", "y", &["axes=[2]", "keepdims=1"]);
    let reduced = |keep| Op::Reduce { to: Reduction::Mean, axes: Ranked::new(&[2]).unwrap(), keep };
    let mut without = file();
    without.graph.node[0].attribute[1].i = None;
    assert_eq!(without.import().unwrap().graph.nodes()[1].op, reduced(false));
    let mut gone = file();
    gone.graph.node[0].attribute.pop();
    assert_eq!(gone.import().unwrap().graph.nodes()[1].op, reduced(true));

    // No word is none, as onnxruntime reads it.
    let window = ["kernel_shape=[3, 3]", "pads=[1, 1, 1, 1]"];
    let pool =
        || Foreign::new(13, IMAGES).node("MaxPool", "x", "y", &[&window[..], &["auto_pad=VALID"]].concat());
    let mut without = pool();
    without.graph.node[0].attribute[2].s = None;
    let padded = Foreign::new(13, IMAGES).node("MaxPool", "x", "y", &window);
    assert_eq!(without.import().unwrap().graph.nodes()[1].op, padded.import().unwrap().graph.nodes()[1].op);
}

#[test]
fn attributes_of_opsets_that_are_not_read_are_refused() {
    let said = Foreign::new(7, IMAGES).node("Add", "x x", "y", &["broadcast=1", "axis=1"]).refused();
    assert!(said.contains("Add with `broadcast`"), "{said}");
}

#[test]
fn a_factor_of_a_product_of_integers_multiplies_its_bias_too() {
    let file = Foreign::new(13, ROWS)
        .floats("s", &[], |_| 1.0)
        .unsigned("z", &[], &[0])
        .signed("w_z", &[], &[0])
        .signed("fc.weight", &[1, 2], &[1, 1])
        .whole("c", &[1], &[10])
        .node("QuantizeLinear", "x s z", "q", &[])
        .of_runtime("QGemm", "q s z fc.weight s w_z c", "y", &["transB=1", "alpha=0.5"]);
    let found = file.import().unwrap();
    assert_eq!(found.state.0["fc.bias"].as_slice::<f32>().unwrap(), [5.0]);
    assert_eq!(found.state.0["fc.weight"].as_slice::<f32>().unwrap(), [0.5, 0.5]);
}

#[test]
fn the_first_resize_leaves_out_whole_pixels_or_is_refused() {
    let resize = |opset, scale: f32| {
        Foreign::new(opset, &[None, Some(1), Some(1), Some(6)])
            .floats("scales", &[4], |at| if at == 3 { scale } else { 1.0 })
            .node("Resize", if opset < 11 { "x scales" } else { "x - scales" }, "y", &["mode=nearest"])
    };
    assert!(resize(10, 2.0 / 3.0).refused().contains("Resize to the nearest by"));
    for (opset, scale) in [(10, 0.5), (10, 1.5), (11, 2.0 / 3.0)] {
        assert!(resize(opset, scale).import().is_ok(), "opset {opset} by {scale}");
    }
}

#[test]
fn integers_with_other_scales_are_other_constants() {
    let file = Foreign::new(13, ROWS)
        .signed("k", &[], &[127])
        .floats("s1", &[], |_| 1.0)
        .floats("s2", &[], |_| 2.0)
        .node("DequantizeLinear", "k s1", "a", &[])
        .node("DequantizeLinear", "k s2", "b", &[])
        .node("DequantizeLinear", "k s1", "c", &[])
        .node("Mul", "x a", "m", &[])
        .node("Add", "m b", "n", &[])
        .node("Mul", "n c", "y", &[]);
    let mut found = values(&file.import().unwrap());
    found.sort_by(f32::total_cmp);
    assert_eq!(found, [127.0, 254.0]);
}

#[test]
fn a_vector_of_zeros_has_a_norm_to_divide_by() {
    let found =
        Foreign::new(13, ROWS).node("LpNormalization", "x", "y", &["axis=1", "p=2"]).import().unwrap();
    let nodes = found.graph.nodes();
    let end = nodes.last().unwrap();
    assert_eq!([end.op, nodes[end.inputs[1]].op], [Binary::Div, Binary::Max].map(Op::Binary));
    assert_eq!(values(&found), [f32::MIN_POSITIVE]);
}

#[test]
fn a_bias_for_each_row_is_none_for_each_output() {
    let gemm = |dims: &[i64]| {
        Foreign::new(13, &[Some(2), Some(3)])
            .floats("fc.weight", &[2, 3], |at| at as f32)
            .floats("fc.bias", dims, |at| at as f32)
            .node("Gemm", "x fc.weight fc.bias", "y", &["transB=1"])
    };
    assert!(gemm(&[2, 1]).refused().contains("Gemm with a bias [2, 1]"));
    assert!([&[2][..], &[1, 2], &[]].iter().all(|dims| gemm(dims).import().is_ok()));
}

#[test]
fn numbers_beside_a_padding_that_is_a_word_mean_nothing() {
    let attributes = ["kernel_shape=[2, 2]", "auto_pad=VALID", "pads=[1, 1, 1, 1]"];
    let found = Foreign::new(19, IMAGES).node("MaxPool", "x", "y", &attributes).import().unwrap();
    assert_eq!(found.graph.nodes()[1].op, Op::MaxPool(Window::new(2, 1)));
}

#[test]
fn normalisation_in_training_mode_is_told() {
    let file = Foreign::new(17, IMAGES).floats("bn.weight", &[2], |_| 1.0).node(
        "BatchNormalization",
        "x bn.weight bn.weight bn.weight bn.weight",
        "y",
        &["training_mode=1"],
    );
    let found = file.import().unwrap();
    assert!(found.notes.contains(&Note::Training), "{:?}", found.notes);
    assert_eq!(operations(&found), "bn");
}

#[test]
fn normalisation_of_sequences_comes_back_from_its_formula() {
    let file = Foreign::new(13, &[None, Some(5), Some(8)])
        .floats("norm.weight", &[8], |at| at as f32)
        .floats("norm.bias", &[8], |at| 1.0 + at as f32)
        .floats("eps", &[], |_| 1e-6)
        .floats("two", &[], |_| 2.0)
        .node("ReduceMean", "x", "u", &["axes=[-1]"])
        .node("Sub", "x u", "d", &[])
        .node("Pow", "d two", "s", &[])
        .node("ReduceMean", "s", "v", &["axes=[-1]"])
        .node("Add", "v eps", "e", &[])
        .node("Sqrt", "e", "r", &[])
        .node("Div", "d r", "n", &[])
        .node("Mul", "n norm.weight", "m", &[])
        .node("Add", "m norm.bias", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "norm");
    assert_eq!(found.graph.nodes()[1].op, Op::LayerNorm { channels: 8, epsilon: 1e-6, last: true });
}

#[test]
fn many_integers_are_refused_only_where_they_are_read() {
    let file = || Foreign::new(13, IMAGES).integers("many", &[0; 5000]);
    assert_eq!(operations(&file().node("Relu", "x", "y", &[]).import().unwrap()), "relu");
    let said = file().node("Gather", "x many", "y", &["axis=2"]).refused();
    assert!(said.ends_with("or of more than 4096 integers"), "{said}");
}

#[test]
fn an_exponent_of_constants_may_be_an_integer() {
    let file = Foreign::new(13, ROWS)
        .floats("base", &[2], |at| 1.0 + at as f32)
        .integers("three", &[3])
        .node("Pow", "base three", "p", &[])
        .node("Mul", "x p", "y", &[]);
    assert_eq!(values(&file.import().unwrap()), [1.0, 8.0]);
}

#[test]
fn numbers_at_the_end_of_their_range_are_refused() {
    let quotient = Foreign::new(13, IMAGES)
        .integers("first", &[0])
        .integers("least", &[i64::MIN])
        .integers("minus", &[-1])
        .node("Shape", "x", "s", &[])
        .node("Gather", "s first", "n", &["axis=0"])
        .node("Mul", "n least", "b", &[])
        .node("Div", "b minus", "d", &[])
        .node("Reshape", "x d", "y", &[]);
    assert!(quotient.refused().contains("Div by the number of examples"));
    let groups = Foreign::new(21, IMAGES).floats("w", &[0], |_| 1.0).floats("b", &[0], |_| 1.0).node(
        "GroupNormalization",
        "x w b",
        "y",
        &["num_groups=0"],
    );
    assert!(groups.refused().contains("GroupNormalization where"));
}

#[test]
fn a_weight_that_is_also_a_factor_is_two_parameters() {
    let file = Foreign::new(13, &[None, Some(3), Some(2), Some(2)])
        .floats("fc.weight", &[2, 2], |at| at as f32)
        .node("MatMul", "x fc.weight", "a", &[])
        .node("Mul", "a fc.weight", "y", &[]);
    let found = file.import().unwrap();
    let names: Vec<String> = found.state.0.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["fc.weight", "fc.weight_constant"]);
    assert_eq!(values(&found), [0.0, 2.0, 1.0, 3.0, 0.0, 1.0, 2.0, 3.0]);
}

/// ONNX Runtime's quantiser leaves such layers behind. A bias that the layer gets later does not overwrite the constant.
#[test]
fn what_is_added_behind_a_layer_is_not_called_like_the_bias_that_the_layer_lacks() {
    let file = Foreign::new(13, &[None, Some(3)])
        .floats("fc.weight", &[3, 2], |at| at as f32)
        .floats("fc.bias", &[2], |at| 10.0 + at as f32)
        .node("MatMul", "x fc.weight", "m", &[])
        .node("Add", "m fc.bias", "a", &[])
        .node("Mul", "a m", "y", &[]);
    let found = file.import().unwrap();
    assert!(found.graph.node("fc").is_some_and(|node| node.op.has_weights() && !node.op.has_bias()));
    let names: Vec<String> = found.state.0.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["fc.bias_constant", "fc.weight"]);
    assert_eq!(values(&found)[..2], [10.0, 11.0]);
    let again = import(&export(&found.graph, &found.state, &Options::default()).unwrap()).unwrap();
    assert_eq!((again.graph, again.state), (found.graph, found.state));
}

#[test]
fn a_slice_backwards_begins_at_the_first_place_at_least() {
    let file = Foreign::new(13, &[None, Some(7), Some(2)])
        .integers("all", &[7, 8, 9])
        .integers("start", &[-9])
        .integers("end", &[-10])
        .integers("axis", &[0])
        .integers("back", &[-1])
        .node("Slice", "all start end axis back", "one", &[])
        .node("Concat", "back one", "to", &["axis=0"])
        .node("Reshape", "x to", "y", &[]);
    let found = file.import().unwrap();
    let Op::Reshape(to) = found.graph.nodes()[1].op else { panic!("{:?}", found.graph) };
    assert_eq!(to.to_string(), "[2n, 7]");
}

#[test]
fn a_constant_in_16_bits_is_rounded_to_them_and_keeps_its_name_where_it_fits() {
    let of = |value: fn(usize) -> f32| {
        let file = Foreign::new(13, &[None, Some(3)])
            .floats("shift", &[3], value)
            .node("Cast", "shift", "h", &["to=10"])
            .node("Cast", "h", "k", &["to=1"])
            .node("Mul", "x k", "y", &[]);
        file.import().unwrap()
    };
    let rounded = of(|at| [0.1, 70000.0, 1e-9][at]);
    assert_eq!(values(&rounded), [0.099_975_586, f32::INFINITY, 0.0]);
    assert!(rounded.notes.contains(&Note::Computed), "{:?}", rounded.notes);
    let whole = of(|at| at as f32);
    assert_eq!(values(&whole), [0.0, 1.0, 2.0]);
    assert!(whole.state.0.contains_key("shift") && whole.notes.is_empty(), "{:?}", whole.notes);
}

#[test]
fn numbers_that_a_network_keeps_are_finite() {
    let norm = "x one one one one";
    for (op, inputs, attribute, expected) in [
        ("Elu", "x", "alpha=NaN", "its `alpha` should be a finite number but is NaN"),
        ("LeakyRelu", "x", "alpha=inf", "its `alpha` should be a finite number but is inf"),
        ("Selu", "x", "gamma=NaN", "its `gamma` should be a finite number but is NaN"),
        ("HardSigmoid", "x", "beta=-inf", "its `beta` should be a finite number but is -inf"),
        ("BatchNormalization", norm, "epsilon=NaN", "its `epsilon` should be a finite number but is NaN"),
        ("BatchNormalization", norm, "momentum=NaN", "its `momentum` should be a finite number but is NaN"),
        ("LayerNormalization", "x one", "epsilon=inf", "its `epsilon` should be a finite number but is inf"),
        ("Clip", "x not", "min=0", "a bound is no number"),
        ("Pad", "x ends not", "mode=constant", "its value is no number"),
    ] {
        let file = Foreign::new(13, IMAGES)
            .floats("one", &[2], |_| 1.0)
            .floats("not", &[], |_| f32::NAN)
            .integers("ends", &[0, 0, 1, 1, 0, 0, 1, 1]);
        let said = file.node(op, inputs, "y", &[attribute]).refused();
        assert!(said.ends_with(&format!("node `/y/{op}` ({op}): {expected}")), "{said}");
    }
}

/// What is added before a softmax may be minus infinity: as a tensor of the file, of a triangle, or put in for some places.
#[test]
fn masks_of_minus_infinity_are_added_as_numbers_of_which_softmax_leaves_nothing() {
    let shape = &[None, Some(3), Some(3)];
    let expected: Vec<f32> = (0..9).map(|at| if at % 3 > at / 3 { -1e30 } else { 0.0 }).collect();
    let infinite = |at: usize| if at % 3 > at / 3 { f32::NEG_INFINITY } else { 0.0 };
    let above: Vec<i64> = (0..9).map(|at| i64::from(at % 3 > at / 3)).collect();
    let of_file = Foreign::new(14, shape).floats("mask", &[3, 3], infinite).node("Add", "x mask", "a", &[]);
    let triangle = Foreign::new(14, shape)
        .floats("all", &[3, 3], |_| f32::NEG_INFINITY)
        .integers("k", &[1])
        .node("Trilu", "all k", "mask", &["upper=1"])
        .node("Add", "x mask", "a", &[]);
    let put_in = Foreign::new(14, shape)
        .integers("row", &above)
        .integers("square", &[3, 3])
        .node("Reshape", "row square", "above", &[])
        .floats("least", &[], |_| f32::NEG_INFINITY)
        .node("Cast", "above", "truth", &["to=9"])
        .node("Where", "truth least x", "a", &[]);
    let kept = Foreign::new(14, shape)
        .integers("row", &above)
        .integers("square", &[3, 3])
        .node("Reshape", "row square", "above", &[])
        .floats("least", &[1], |_| f32::NEG_INFINITY)
        .node("Cast", "above", "truth", &["to=9"])
        .node("Not", "truth", "kept", &[])
        .node("Where", "kept x least", "a", &[]);
    for file in [of_file, triangle, put_in, kept] {
        let found = file.node("Softmax", "a", "s", &["axis=-1"]).node(
            "ReduceMean",
            "s",
            "y",
            &["axes=[1]", "keepdims=0"],
        );
        let found = found.import().unwrap();
        assert!(found.notes.contains(&Note::Masks), "{:?}", found.notes);
        assert_eq!(values(&found), expected);
        assert!(found.graph.nodes().iter().any(|node| matches!(node.op, Op::Constant { learnt: false, .. })));
    }
    // Elsewhere it is what no network can compute with.
    let elsewhere = Foreign::new(14, shape).floats("mask", &[3, 3], infinite).node("Add", "x mask", "y", &[]);
    assert!(values(&elsewhere.import().unwrap()).contains(&f32::NEG_INFINITY));
}
