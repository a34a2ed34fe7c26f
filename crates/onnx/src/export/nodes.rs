//! What each layer is in ONNX.

use sapwood_graph::{Binary, Node, Op, Reduction, Unary};

use super::{
    attention::attention,
    curves::curve,
    forms, norms,
    params::Params,
    windows,
    writing::{Attribute, Writing},
};

use Attribute::{Float, Int, Ints};

/// Writes a layer's nodes; the name of what they make. An error says why there are none: what follows the layer's
/// name.
pub(super) fn write<'s>(to: &mut Writing<'s>, node: &Node, params: Params<'_, 's>) -> Result<String, String> {
    let name = node.name.as_str();
    let input = |at: usize| node.inputs[at];
    let inputs: Vec<String> = node.inputs.iter().map(|at| to.values[*at].clone()).collect();
    let x = inputs.first().cloned().unwrap_or_default();
    Ok(match node.op {
        Op::Conv(spec) => windows::conv(to, name, spec, x, params)?,
        Op::Linear { places: false, .. } => {
            let x = to.flat(input(0))?;
            let inputs = to.with_params(x, params, &[true, false])?;
            to.layer(name, "Gemm", inputs, &[("transB", Int(1))])
        }
        Op::Linear { places: true, .. } => {
            let weight = to.transposed(&params[0].0, params[0].1)?;
            let product = to.layer(name, "MatMul", vec![x, weight], &[]);
            match params.get(1) {
                Some((path, bias)) => {
                    let bias = to.bias(path, bias)?;
                    to.layer("", "Add", vec![product, bias], &[])
                }
                None => product,
            }
        }
        Op::BatchNorm { epsilon, momentum, .. } => {
            // ONNX's is what is kept of the old statistics.
            let attributes =
                [("epsilon", Float(epsilon as f32)), ("momentum", Float((1.0 - momentum) as f32))];
            let inputs = to.with_params(x, params, &[])?;
            to.layer(name, "BatchNormalization", inputs, &attributes)
        }
        Op::LayerNorm { epsilon, last, .. } => norms::layer(to, name, input(0), (epsilon, last), params)?,
        Op::GroupNorm { groups, channels, epsilon } => {
            norms::group(to, name, input(0), (groups, channels, epsilon), params)?
        }
        Op::Position(_) => {
            let inputs = to.with_params(x, params, &[])?;
            to.layer(name, "Add", inputs, &[])
        }
        // An identity says where in the network it stands.
        Op::Constant { learnt: true, .. } => {
            let weight = to.weights(&params[0].0, params[0].1);
            to.layer(name, "Identity", vec![weight], &[])
        }
        Op::Constant { learnt: false, .. } => to.constant(name, params[0].1),
        Op::Embedding { .. } => {
            let table = to.narrow(&params[0].0, params[0].1)?;
            to.layer(name, "Gather", vec![table, x], &[])
        }
        Op::Activation(activation) => curve(to, name, activation, x),
        Op::Prelu { .. } => {
            let (path, value) = &params[0];
            let behind = to.dims[input(0)].rank().saturating_sub(2);
            let slope = to.column(path, value, if value.len() == 1 { 0 } else { behind });
            to.layer(name, "PRelu", vec![x, slope], &[])
        }
        Op::Softmax { axis, log } => {
            let op = if log { "LogSoftmax" } else { "Softmax" };
            to.layer(name, op, vec![x], &[("axis", Int(axis as i64))])
        }
        Op::MaxPool(window) => windows::max_pool(to, name, window, x, input(0)),
        Op::AvgPool(pool) => windows::average_pool(to, name, pool, x, input(0)),
        Op::GlobalAvgPool => to.layer(name, "GlobalAveragePool", vec![x], &[]),
        Op::Resize(resize) => windows::resize(to, name, resize, x, input(0)),
        Op::Wrap { padding } => {
            let p = padding as i64;
            let behind = to.dims[input(0)].rank() - 2;
            let side = [vec![0, 0], vec![p; behind]].concat();
            forms::wrap(to, name, x, [side.clone(), side].concat())?
        }
        Op::Pad(pad) => forms::pad(to, name, x, &pad)?,
        Op::Reduce { to: figure, axes, keep } => {
            let op = match figure {
                Reduction::Sum => "ReduceSum",
                Reduction::Mean => "ReduceMean",
                Reduction::Max => "ReduceMax",
                Reduction::Min => "ReduceMin",
                Reduction::L2 => "ReduceL2",
            };
            let axes: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
            let keep = ("keepdims", Int(keep.into()));
            match 18 <= to.opset || figure == Reduction::Sum {
                true => {
                    let axes = to.integers(axes);
                    to.layer(name, op, vec![x, axes], &[keep])
                }
                false => to.layer(name, op, vec![x], &[("axes", Ints(axes)), keep]),
            }
        }
        Op::Flatten => to.layer(name, "Flatten", vec![x], &[("axis", Int(1))]),
        Op::Reshape(dims) => forms::reshape(to, name, x, &dims),
        Op::Transpose { order } => {
            let order = order.iter().map(|dim| *dim as i64).collect();
            to.layer(name, "Transpose", vec![x], &[("perm", Ints(order))])
        }
        Op::Concat { axis } => to.layer(name, "Concat", inputs, &[("axis", Int(axis as i64))]),
        Op::Slice(slice) => forms::slice(to, name, x, &slice),
        Op::Expand(dims) => forms::expand(to, name, x, input(0), &dims),
        Op::Add => to.layer(name, "Add", inputs, &[]),
        Op::Binary(function) => {
            let op = match function {
                Binary::Sub => "Sub",
                Binary::Mul => "Mul",
                Binary::Div => "Div",
                Binary::Pow => "Pow",
                Binary::Max => "Max",
                Binary::Min => "Min",
            };
            to.layer(name, op, inputs, &[])
        }
        Op::Unary(function) => {
            let op = match function {
                Unary::Neg => "Neg",
                Unary::Abs => "Abs",
                Unary::Exp => "Exp",
                Unary::Log => "Log",
                Unary::Sqrt => "Sqrt",
                Unary::Reciprocal => "Reciprocal",
                Unary::Erf => "Erf",
                Unary::Floor => "Floor",
                Unary::Ceil => "Ceil",
                Unary::Sin => "Sin",
                Unary::Cos => "Cos",
            };
            to.layer(name, op, vec![x], &[])
        }
        Op::Scale => {
            let factors = forms::factors(to, input(1), to.dims[input(0)].rank());
            to.layer(name, "Mul", vec![x, factors], &[])
        }
        Op::MatMul => to.layer(name, "MatMul", inputs, &[]),
        Op::Subsample { stride, channels } => forms::subsample(to, name, x, input(0), (stride, channels)),
        Op::Attention { heads } => attention(to, name, &node.inputs, heads)?,
        Op::Input => return Err("is another input".into()),
    })
}
