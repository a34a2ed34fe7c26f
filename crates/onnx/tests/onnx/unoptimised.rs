//! What PyTorch's exporter writes with `dynamo=True, optimize=False`: the functions of its library, operation by
//! operation.

use rten_onnx::onnx::{DataType, TensorProto};
use sapwood_graph::{Op, Slice};

use crate::{
    foreign::{IMAGES, operations},
    meanings::values,
    written::Foreign,
};

#[test]
fn zeros_in_the_type_of_the_input_are_no_bias() {
    let net = |bias: f32| {
        let found = Foreign::new(18, IMAGES)
            .floats("conv.weight", &[3, 2, 1, 1], |at| at as f32)
            .floats("bn.weight", &[3], |_| 1.0)
            .floats("one", &[1], |_| bias)
            .integers("three", &[3])
            .node("CastLike", "one x", "like", &[])
            .node("Expand", "like three", "all", &[])
            .node("Conv", "x conv.weight all", "c", &["kernel_shape=[1, 1]"])
            .node("BatchNormalization", "c bn.weight bn.weight bn.weight bn.weight", "y", &[])
            .import()
            .unwrap();
        let Op::Conv(spec) = found.graph.nodes()[1].op else { panic!("{:?}", found.graph) };
        (operations(&found), spec.bias)
    };
    assert_eq!(net(0.0), ("conv bn".into(), false));
    assert_eq!(net(0.5), ("conv bn".into(), true));
}

#[test]
fn numbers_become_integers_like_others_and_are_places() {
    let file = |start: f32, like: &str| {
        Foreign::new(18, &[None, Some(3), Some(2)])
            .floats("table", &[4, 2], |at| at as f32)
            .floats("start", &[], |_| start)
            .floats("step", &[], |_| 1.0)
            .node("Constant", "", "end", &["value_int=4"])
            .node("Constant", "", "flag", &["value_int=1"])
            .node("CastLike", &format!("start {like}"), "a", &[])
            .node("CastLike", "step end", "b", &[])
            .node("Range", "a end b", "places", &[])
            .node("Gather", "table places", "rows", &["axis=0"])
            .node("Mul", "x rows", "y", &[])
    };
    assert_eq!(values(&file(1.0, "end").import().unwrap()), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!(values(&file(1.0, "flag").import().unwrap()), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert!(file(2.0, "flag").refused().contains("CastLike to what may be truth values"));
}

#[test]
fn what_becomes_like_a_constant_in_16_bits_is_rounded_to_them_or_refused() {
    let file = || {
        let mut file =
            Foreign::new(18, &[None, Some(3)]).floats("shift", &[3], |at| [0.1, 70000.0, 1e-9][at]);
        file.graph.initializer.push(TensorProto {
            name: Some("half".into()),
            dims: vec![1],
            data_type: Some(DataType::FLOAT16),
            // 1 in IEEE 754 half precision.
            int32_data: vec![0x3c00],
            ..TensorProto::default()
        });
        file.node("Cast", "half", "wide", &["to=1"]).node("Cast", "shift", "narrow", &["to=10"])
    };
    let like = |of: &str| {
        let file = file().node("CastLike", &format!("shift {of}"), "k", &[]).node("Mul", "x k", "y", &[]);
        values(&file.import().unwrap())
    };
    let rounded = [0.099_975_586, f32::INFINITY, 0.0];
    for (of, expected) in [("half", rounded), ("narrow", rounded), ("wide", [0.1, 70000.0, 1e-9])] {
        assert_eq!(like(of), expected, "{of}");
    }
    let said = file().node("CastLike", "x half", "y", &[]).refused();
    assert!(said.contains("CastLike to type 10"), "{said}");
    let wide = file().node("CastLike", "x wide", "c", &[]).node("Relu", "c", "y", &[]);
    assert_eq!(operations(&wide.import().unwrap()), "relu");
}

#[test]
fn places_of_a_sequence_are_parts() {
    let file = |split: &str, place: i64| {
        Foreign::new(18, IMAGES)
            .integers("each", &[1, 1])
            .integers("place", &[place])
            .node("Constant", "", "one", &["value_int=1"])
            .node("SplitToSequence", split, "parts", &["axis=1", "keepdims=1"])
            .node("SequenceAt", "parts place", "part", &[])
            .node("Relu", "part", "y", &[])
    };
    for (split, place, start) in [("x one", 0, 0), ("x one", -1, 1), ("x each", 1, 1)] {
        let found = file(split, place).import().unwrap();
        assert_eq!(operations(&found), "slice relu");
        let expected = Slice { axis: 1, start, length: 1, step: 1 };
        assert_eq!(found.graph.nodes()[1].op, Op::Slice(expected), "{split} {place}");
    }
    assert!(file("x one", 2).refused().contains("it picks what is not there"));
    assert!(file("x", 0).refused().contains("SplitToSequence without the lengths of its parts"));
}

#[test]
fn parts_of_constants_lie_where_rows_of_integers_say() {
    let picked = |axis: i64| {
        let file = Foreign::new(18, &[None, Some(2), Some(2)])
            .floats("table", &[3, 2], |at| at as f32)
            .integers("places", &[2, -1])
            .integers("axis", &[axis])
            .node("Max", "places", "largest", &[])
            .node("Unsqueeze", "largest axis", "rows", &[])
            .node("GatherND", "table rows", "picked", &["batch_dims=0"])
            .node("Mul", "x picked", "y", &[]);
        values(&file.import().unwrap())
    };
    assert_eq!(picked(-1), [4.0, 5.0, 4.0, 5.0]);
    assert_eq!(picked(0), [5.0]);
}

#[test]
fn what_follows_from_what_is_refused_is_not_refused_itself() {
    let said = Foreign::new(18, IMAGES)
        .integers("rest", &[-1])
        .node("Bernoulli", "x", "b", &[])
        .node("Shape", "b", "s", &[])
        .node("Concat", "rest s", "to", &["axis=0"])
        .node("Reshape", "x to", "y", &[])
        .refused();
    assert!(said.contains("Bernoulli (1 node") && !said.contains("Concat"), "{said}");
}
