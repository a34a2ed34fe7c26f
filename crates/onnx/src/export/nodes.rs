//! What each layer is in ONNX.

use sapwood_graph::{Activation, Array, AvgPool, Node, Op, Pair, Resize, Shape};

use super::writing::{Attribute, Value, Writing};

use Attribute::{Float, Int, Ints, Text};

/// Writes a layer's nodes; what they make. An error says why there are none: what follows the layer's name.
pub(super) fn write<'s>(
    to: &mut Writing<'s>,
    node: &Node,
    shapes: &[Shape],
    params: &[(String, &'s Array)],
) -> Result<Value, String> {
    let input = |at: usize| node.inputs[at];
    let [c, h, w] = shapes[input(0)];
    let params: Vec<String> = params.iter().map(|(path, value)| to.weights(path, value)).collect();
    let with_params = |x: String| [x].into_iter().chain(params.clone()).collect::<Vec<String>>();
    let name = node.name.as_str();
    match node.op {
        Op::Conv(spec) => {
            let x = to.image(input(0), [c, h, w]);
            let Some([kernel, stride, padding]) = spec.plain() else {
                return Err("is a convolution that is not written yet".into());
            };
            let square = |n: usize| Ints(vec![n as i64; 2]);
            let attributes = [
                ("kernel_shape", square(kernel)),
                ("strides", square(stride)),
                ("pads", Ints(vec![padding as i64; 4])),
                ("group", Int(spec.groups as i64)),
            ];
            Ok(to.layer(name, "Conv", with_params(x), &attributes, 4))
        }
        Op::Linear { places: false, .. } => {
            let x = to.flat(input(0));
            Ok(to.layer(name, "Gemm", with_params(x), &[("transB", Int(1))], 2))
        }
        Op::BatchNorm { epsilon, momentum, .. } => {
            let Value { name: x, rank } = to.values[input(0)].clone();
            // ONNX's is what is kept of the old statistics.
            let attributes =
                [("epsilon", Float(epsilon as f32)), ("momentum", Float((1.0 - momentum) as f32))];
            Ok(to.layer(name, "BatchNormalization", with_params(x), &attributes, rank))
        }
        Op::Activation(activation) => {
            let x = to.values[input(0)].clone();
            curve(to, name, activation, x)
        }
        Op::MaxPool(pool) => {
            let x = to.image(input(0), [c, h, w]);
            let pair = |pair: Pair| Ints(pair.hw().map(|n| n as i64).to_vec());
            let attributes = [
                ("kernel_shape", pair(pool.kernel)),
                ("strides", pair(pool.stride)),
                ("pads", Ints(pool.padding.sides().map(|n| n as i64).to_vec())),
            ];
            Ok(to.layer(name, "MaxPool", vec![x], &attributes, 4))
        }
        Op::AvgPool(pool) => {
            let kernel = pool.window.kernel.h;
            if pool != AvgPool::touching(kernel) {
                return Err("is a mean that is not written yet".into());
            }
            let x = to.image(input(0), [c, h, w]);
            let reaches_over = !h.is_multiple_of(kernel) || !w.is_multiple_of(kernel);
            let attributes = [
                ("kernel_shape", Ints(vec![kernel as i64; 2])),
                ("strides", Ints(vec![kernel as i64; 2])),
                ("ceil_mode", Int(reaches_over.into())),
            ];
            Ok(to.layer(name, "AveragePool", vec![x], &attributes, 4))
        }
        Op::GlobalAvgPool => {
            let x = to.image(input(0), [c, h, w]);
            Ok(to.layer(name, "GlobalAveragePool", vec![x], &[], 4))
        }
        Op::Flatten => {
            let x = to.values[input(0)].name.clone();
            Ok(to.layer(name, "Flatten", vec![x], &[("axis", Int(1))], 2))
        }
        Op::Add => {
            let (a, b) = (to.values[input(0)].clone(), to.values[input(1)].clone());
            if a.rank == b.rank {
                return Ok(to.layer(name, "Add", vec![a.name, b.name], &[], a.rank));
            }
            let (a, b) = (to.flat(input(0)), to.flat(input(1)));
            Ok(to.layer(name, "Add", vec![a, b], &[], 2))
        }
        Op::Scale => {
            let x = to.image(input(0), [c, h, w]);
            let factors = to.image(input(1), shapes[input(1)]);
            Ok(to.layer(name, "Mul", vec![x, factors], &[], 4))
        }
        Op::Resize { .. } if to.opset < 18 => Err("resizes, which is written from opset 18 on".into()),
        Op::Resize(resize) => {
            if resize != Resize::bilinear(resize.size) {
                return Err("resizes in a way that is not written yet".into());
            }
            let x = to.image(input(0), [c, h, w]);
            let sizes = to.integers(resize.size.hw().map(|size| size as i64).to_vec());
            let attributes = [
                ("mode", Text("linear")),
                ("coordinate_transformation_mode", Text("half_pixel")),
                ("axes", Ints(vec![2, 3])),
            ];
            Ok(to.layer(name, "Resize", vec![x, String::new(), String::new(), sizes], &attributes, 4))
        }
        Op::Wrap { .. } if to.opset < 19 => Err("wraps its input, which is written from opset 19 on".into()),
        Op::Wrap { padding } => {
            let x = to.image(input(0), [c, h, w]);
            let p = padding as i64;
            let pads = to.integers(vec![0, 0, p, p, 0, 0, p, p]);
            Ok(to.layer(name, "Pad", vec![x, pads], &[("mode", Text("wrap"))], 4))
        }
        Op::Subsample { stride, channels } => {
            let x = to.image(input(0), [c, h, w]);
            let (starts, ends) = (to.integers(vec![0, 0]), to.integers(vec![i64::MAX; 2]));
            let (axes, steps) = (to.integers(vec![2, 3]), to.integers(vec![stride as i64; 2]));
            let some = to.layer(name, "Slice", vec![x, starts, ends, axes, steps], &[], 4);
            if channels == c {
                return Ok(some);
            }
            let (front, back) = ((channels - c) / 2, (channels - c).div_ceil(2));
            let pads = to.integers(vec![0, front as i64, 0, 0, 0, back as i64, 0, 0]);
            Ok(to.layer("", "Pad", vec![some.name, pads], &[("mode", Text("constant"))], 4))
        }
        Op::LayerNorm { .. } => Err("normalises over channels, which is not written yet".into()),
        Op::Position(_) => Err("adds what it has learnt of places, which is not written yet".into()),
        Op::Attention { .. } => Err("is attention, which is not written yet".into()),
        Op::Input => Err("is a second input".into()),
        other => Err(format!("is {}, which is not written yet", other.kind())),
    }
}

fn curve(to: &mut Writing<'_>, name: &str, activation: Activation, x: Value) -> Result<Value, String> {
    let Value { name: x, rank } = x;
    Ok(match activation {
        Activation::Relu => to.layer(name, "Relu", vec![x], &[], rank),
        Activation::Relu6 => {
            let bounds = [0.0, 6.0].map(|bound| to.number(bound));
            to.layer(name, "Clip", [x].into_iter().chain(bounds).collect(), &[], rank)
        }
        Activation::HSwish => to.layer(name, "HardSwish", vec![x], &[], rank),
        Activation::HSigmoid => {
            let attributes = [("alpha", Float(1.0 / 6.0)), ("beta", Float(0.5))];
            to.layer(name, "HardSigmoid", vec![x], &attributes, rank)
        }
        Activation::Gelu if 20 <= to.opset => to.layer(name, "Gelu", vec![x], &[], rank),
        Activation::Gelu => {
            let [root, one, half] = [std::f32::consts::SQRT_2, 1.0, 0.5].map(|number| to.number(number));
            let scaled = to.layer("", "Div", vec![x.clone(), root], &[], rank);
            let erf = to.layer("", "Erf", vec![scaled.name], &[], rank);
            let sum = to.layer("", "Add", vec![erf.name, one], &[], rank);
            let twice = to.layer("", "Mul", vec![x, sum.name], &[], rank);
            to.layer(name, "Mul", vec![twice.name, half], &[], rank)
        }
        other => return Err(format!("is {}, which is not written yet", other.name())),
    })
}
