//! What a forward pass says of each operation.

use sapwood_core::{Activation, Binary, Factor, Node, Op, Reduction, Unary};

use super::{functions::Function, layers::tuple, moves::slice, numbers::number, windows, writing::Writing};

/// An operation on values that have names.
pub(super) struct Call<'c> {
    pub(super) node: &'c Node,
    /// Which of the graph's nodes it is.
    pub(super) at: usize,
    pub(super) inputs: Vec<String>,
    /// Whether its first input is of integers.
    pub(super) integers: bool,
    /// How its layer is said, if it has one.
    pub(super) layer: &'c str,
}

impl Writing<'_> {
    /// The expression of what a node makes.
    pub(super) fn call(&mut self, call: &Call<'_>) -> String {
        let Call { node, inputs, layer, .. } = call;
        let dims = |at: usize| self.dims[node.inputs[at]];
        let moves = matches!(
            node.op,
            Op::Embedding { .. }
                | Op::Flatten
                | Op::Reshape(_)
                | Op::Transpose { .. }
                | Op::Slice(_)
                | Op::Concat { .. }
                | Op::Expand(_)
        );
        let x = inputs.first().cloned().unwrap_or_default();
        // Functions of integers are those of the numbers that they are.
        let x = if call.integers && !moves { format!("{x}.float()") } else { x };
        let y = inputs.get(1).cloned().unwrap_or_default();
        let rank = node.inputs.first().map_or(0, |_| dims(0).rank());
        let out = self.dims[call.at];
        match node.op {
            Op::Input | Op::Constant { .. } => layer.to_string(),
            Op::Conv(spec) => windows::conv(layer, &x, &spec, &out),
            Op::Linear { places: false, .. } if rank != 2 => format!("{layer}({x}.flatten(1))"),
            Op::BatchNorm { .. } if 4 < rank => format!("{layer}({x}.flatten(2)).reshape({x}.shape)"),
            Op::LayerNorm { last: false, .. } if 2 < rank => {
                format!("{layer}({x}.movedim(1, -1)).movedim(-1, 1)")
            }
            Op::Linear { .. }
            | Op::BatchNorm { .. }
            | Op::LayerNorm { .. }
            | Op::GroupNorm { .. }
            | Op::Embedding { .. }
            | Op::Prelu { .. } => format!("{layer}({x})"),
            Op::Position(_) => format!("{x} + {layer}.embedding"),
            Op::Attention { heads } => {
                self.functions.insert(Function::Attention);
                let z = inputs.get(2).cloned().unwrap_or_default();
                format!("attention({x}, {y}, {z}, {heads})")
            }
            Op::Activation(activation) => activate(&x, activation),
            Op::Softmax { axis, log: false } => format!("{x}.softmax({axis})"),
            Op::Softmax { axis, log: true } => format!("{x}.log_softmax({axis})"),
            Op::MaxPool(window) => self.max_pool(&x, window, &dims(0), &out),
            Op::AvgPool(pool) => {
                let from = dims(0);
                self.average_pool(&x, pool, &from, &out)
            }
            Op::Resize(resize) => {
                let from = dims(0);
                self.resize(&x, resize, &from)
            }
            Op::Wrap { padding } => self.wrap(&x, padding, &dims(0)),
            Op::Pad(pad) => self.pad(&x, &pad),
            Op::GlobalAvgPool if rank <= 2 => x,
            Op::GlobalAvgPool => format!("{x}.mean({}, keepdim=True)", tuple(&(2..rank).collect::<Vec<_>>())),
            Op::Reduce { to, axes, keep } => reduce(&x, to, &axes, keep),
            Op::Flatten => format!("{x}.flatten(1)"),
            Op::Reshape(to) => self.reshape(&x, &to),
            Op::Transpose { order } => {
                let order: Vec<String> = order.iter().map(ToString::to_string).collect();
                format!("{x}.permute({})", order.join(", "))
            }
            Op::Concat { axis } => match inputs.len() {
                1 => x,
                _ => format!("torch.cat(({}), {axis})", inputs.join(", ")),
            },
            Op::Slice(part) => slice(&x, &part),
            Op::Expand(to) => self.expand(&x, &to),
            Op::Add => format!("{x} + {y}"),
            Op::Binary(function) => binary(&x, &y, function),
            Op::Unary(Unary::Neg) => format!("-{x}"),
            Op::Unary(function) => format!("torch.{}({x})", function.name()),
            Op::Scale if dims(1).rank() == rank => format!("{x} * {y}"),
            Op::Scale => {
                let channels = dims(0).image()[0];
                format!("{x} * {y}.reshape(-1, {channels}{})", ", 1".repeat(rank - 2))
            }
            Op::MatMul => format!("{x} @ {y}"),
            Op::Subsample { stride, channels } => {
                let more = channels - dims(0).image()[0];
                let (front, picked) = (more / 2, format!("::{stride}"));
                let picked = if stride == 1 {
                    x
                } else {
                    format!("{x}[:, :{}]", format!(", {picked}").repeat(rank - 2))
                };
                let none = "0, 0, ".repeat(rank - 2);
                match more {
                    0 => picked,
                    _ => format!("F.pad({picked}, ({none}{front}, {}))", more - front),
                }
            }
        }
    }
}

fn activate(x: &str, activation: Activation) -> String {
    let function = match activation {
        Activation::Relu => "relu",
        Activation::Relu6 => "relu6",
        Activation::HSwish => "hardswish",
        Activation::HSigmoid => "hardsigmoid",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => return format!(r#"F.gelu({x}, approximate="tanh")"#),
        Activation::Sigmoid => return format!("torch.sigmoid({x})"),
        Activation::Tanh => return format!("torch.tanh({x})"),
        Activation::Silu => "silu",
        Activation::Mish => "mish",
        Activation::Softplus => "softplus",
        Activation::LeakyRelu(Factor(slope)) => return format!("F.leaky_relu({x}, {})", number(slope)),
        Activation::Elu(Factor(alpha)) => return format!("F.elu({x}, {})", number(alpha)),
        Activation::Selu => "selu",
        Activation::Clip(Factor(low), Factor(high)) => {
            return format!("{x}.clamp({}, {})", number(low), number(high));
        }
    };
    format!("F.{function}({x})")
}

fn binary(x: &str, y: &str, function: Binary) -> String {
    let operator = match function {
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Pow => "**",
        Binary::Max => return format!("torch.maximum({x}, {y})"),
        Binary::Min => return format!("torch.minimum({x}, {y})"),
    };
    format!("{x} {operator} {y}")
}

fn reduce(x: &str, to: Reduction, axes: &[usize], keep: bool) -> String {
    // Of no dimensions PyTorch would take all.
    if axes.is_empty() {
        return if to == Reduction::L2 { format!("{x}.abs()") } else { x.into() };
    }
    let keep = if keep { ", keepdim=True" } else { "" };
    let axes = tuple(axes);
    match to {
        Reduction::Sum => format!("{x}.sum({axes}{keep})"),
        Reduction::Mean => format!("{x}.mean({axes}{keep})"),
        Reduction::Max => format!("{x}.amax({axes}{keep})"),
        Reduction::Min => format!("{x}.amin({axes}{keep})"),
        Reduction::L2 => format!("torch.linalg.vector_norm({x}, 2, {axes}{keep})"),
    }
}
