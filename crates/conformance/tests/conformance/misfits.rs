//! Quantised files whose scales do not fit integers: they run all the same, as ONNX Runtime 1.32 computes them without
//! its optimisations, or they are refused in one line.

use sapwood_runtime::{Dots, Error, Runtime};

use crate::written::Foreign;

const IMAGES: &[Option<i64>] = &[None, Some(2), Some(2), Some(2)];

/// An image that no grid cuts off.
const X: [f32; 8] = [-2.5, -1.7, -0.3, 0.0, 0.4, 1.1, 1.9, 2.4];

/// A file with grids `a` for what comes in and `b` for what goes out, whose input rounded is `x1`.
fn file() -> Foreign {
    let file = Foreign::new(13, IMAGES);
    pair(grid(grid(file, "a", 0.02, 128), "b", 0.5, 100), "x", "x1", "a")
}

fn grid(file: Foreign, name: &str, scale: f32, zero: u8) -> Foreign {
    file.floats(&format!("{name}_s"), &[], |_| scale).unsigned(&format!("{name}_z"), &[], &[zero])
}

fn pair(file: Foreign, from: &str, to: &str, by: &str) -> Foreign {
    let pair = |x: &str| format!("{x} {by}_s {by}_z");
    let whole = format!("{to}_q");
    file.node("QuantizeLinear", &pair(from), &whole, &[]).node("DequantizeLinear", &pair(&whole), to, &[])
}

/// A layer's weights as numbers, by scales and integers that stand for 0 along a dimension.
fn weights(file: Foreign, name: &str, axis: &str, scales: [f32; 2], zeros: [i8; 2]) -> Foreign {
    file.signed(&format!("{name}.weight_quantized"), &[2, 2, 1, 1], &[1, -2, 3, -127])
        .floats(&format!("{name}_s"), &[2], |at| scales[at])
        .signed(&format!("{name}_z"), &[2], &zeros)
        .node(
            "DequantizeLinear",
            &format!("{name}.weight_quantized {name}_s {name}_z"),
            &format!("{name}_w"),
            &[axis],
        )
}

/// Runs a file by all kinds of instructions: its layers in floating point are `floats`, and its outputs are no further
/// from what is expected than `far`.
fn is_near(file: Foreign, floats: &[&str], far: f32, expected: &[f32]) {
    let network = file.import().unwrap().quantized().unwrap();
    for dots in Dots::available() {
        let plan = Runtime::new().dots(dots).plan_integers(&network).unwrap();
        let found: Vec<&str> =
            plan.kernels().filter(|(_, kernel)| kernel.contains("f32")).map(|(layer, _)| layer).collect();
        assert_eq!(found, floats, "{:?}", plan.kernels().collect::<Vec<_>>());
        let found = plan.session().unwrap().run(&X).unwrap().to_vec();
        assert_eq!(found.len(), expected.len());
        let is_far = found.iter().zip(expected).any(|(a, b)| (a - b).abs() > far);
        assert!(!is_far, "{}: {found:?} {expected:?}", dots.name());
    }
}

#[test]
fn a_bias_of_another_scale_is_the_nearest_of_the_sums() {
    let file = weights(file(), "conv", "axis=0", [0.25, 0.125], [0; 2])
        .whole("conv.bias_quantized", &[2], &[100, -50])
        .floats("bias_s", &[2], |at| [0.0123, 0.3][at])
        .node("DequantizeLinear", "conv.bias_quantized bias_s", "bias", &["axis=0"])
        .node("Conv", "x1 conv_w bias", "c", &[]);
    is_near(pair(file, "c", "y", "b"), &[], 0.0, &[0.5, 0.5, 0.0, 0.0, -22.5, -33.0, -45.5, -50.0]);
}

#[test]
fn weights_whose_zero_is_not_0_stay_in_floating_point() {
    let file = weights(file(), "conv", "axis=0", [0.25, 0.125], [3, -5]).node("Conv", "x1 conv_w", "c", &[]);
    is_near(pair(file, "c", "y", "b"), &["conv"], 0.0, &[1.0, -0.5, -2.0, -3.0, -8.5, -18.5, -29.5, -36.5]);
}

/// There are as many inputs as outputs, so that their number does not tell.
#[test]
fn scales_of_inputs_stay_in_floating_point() {
    let file = weights(file(), "conv", "axis=1", [0.25, 0.125], [0; 2]).node("Conv", "x1 conv_w", "c", &[]);
    is_near(pair(file, "c", "y", "b"), &["conv"], 0.0, &[-0.5, -0.5, -0.5, -0.5, -8.0, -18.5, -30.5, -38.0]);
}

#[test]
fn values_of_different_scales_come_behind_each_other() {
    let file = grid(grid(file(), "c", 0.04, 140), "d", 0.3, 120);
    let file = weights(file, "left", "axis=0", [0.25, 0.125], [0; 2]).node("Conv", "x1 left_w", "p", &[]);
    let file = weights(file, "right", "axis=0", [0.01, 0.03], [0; 2]).node("Conv", "x1 right_w", "q", &[]);
    let file = pair(pair(file, "p", "p1", "b"), "q", "q1", "c").node("Concat", "p1 q1", "j", &["axis=1"]);
    let expected =
        [-0.9, -0.9, -0.9, -0.9, -7.5, -18.0, -30.6, -36.0, 0.0, 0.0, 0.0, 0.0, -1.8, -4.5, -5.7, -5.7];
    is_near(pair(file, "j", "y", "d"), &[], 1e-5, &expected);
}

#[test]
fn several_outputs_are_one_line() {
    let file = weights(file(), "conv", "axis=0", [0.25, 0.125], [0; 2]).node("Conv", "x1 conv_w", "y", &[]);
    let network = file.also("x1").import().unwrap().quantized().unwrap();
    let error = Runtime::new().plan_integers(&network).unwrap_err();
    assert!(matches!(error, Error::NoKernel(_)));
    assert_eq!(error.to_string(), "there is no kernel for 2 outputs: run the network by another engine");
}

#[test]
fn scales_that_are_no_scales_are_one_line_that_names_the_node() {
    for (scale, said) in [(0.0, "0"), (f32::NAN, "NaN"), (f32::INFINITY, "inf"), (-1.0, "-1")] {
        let of_value = grid(file(), "e", scale, 10).node("QuantizeLinear", "x1 e_s e_z", "y", &[]);
        assert_eq!(
            of_value.refused(),
            format!(
                "it has operations that a network here cannot have: QuantizeLinear where quantisation: expected a positive \
                 scale, and 0 among the integers 0 to 255, found {said} and 10 (1 node: `/y/QuantizeLinear`)"
            )
        );
        let of_weight = weights(file(), "conv", "axis=0", [0.5, scale], [0; 2]);
        let refused = of_weight.node("Conv", "x1 conv_w", "y", &[]).refused();
        assert!(refused.contains(&format!("DequantizeLinear with the scale {said} (1 node")), "{refused}");
        assert_eq!(refused.lines().count(), 1);
    }
}
