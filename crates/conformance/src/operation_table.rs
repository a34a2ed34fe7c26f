//! What can be done with each operation of a graph, and what cannot yet.

use sapwood_core::{
    Activation, AvgPool, Binary, ConvSpec, Dims, Factor, Graph, Op, Pad, PadMode, Ranked, Reduction, Resize,
    Slice, Unary, Window,
};

/// What may be done with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Its dimensions are found.
    Shape,
    /// It is computed on every device, with gradients, as PyTorch computes it.
    Burn,
    /// It is written as ONNX.
    OnnxOut,
    /// What was written as ONNX is read as itself, or as operations that give its answers.
    OnnxIn,
    /// Channels that pass it may be sorted, and so taken out.
    Channels,
    /// It is run without Burn.
    Runtime,
}

impl Ability {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Shape, Self::Burn, Self::OnnxOut, Self::OnnxIn, Self::Channels, Self::Runtime];
}

/// An operation and what is missing.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// It, for values of four channels.
    pub op: Op,
    /// What cannot be done with it, and why.
    pub holes: Vec<(Ability, &'static str)>,
}

const APART: &str = "its channels are not followed: a group that it touches stays whole";

/// Every operation but the input, in the order of `Op`.
pub fn operation_table() -> Vec<OperationRow> {
    let mut rows = Vec::new();
    let mut row = |op: Op, holes: &[(Ability, &'static str)]| {
        rows.push(OperationRow { op, holes: holes.to_vec() });
    };
    let whole = (Ability::Channels, APART);
    let dims = |example: &[usize]| Dims::batch_of(example).unwrap_or(Dims::rows(1));
    let some = |sizes: &[usize]| Ranked::new(sizes).unwrap_or_else(|| unreachable!("{sizes:?}"));

    row(Op::Conv(ConvSpec::new(4, 4, 1)), &[]);
    row(
        Op::Conv(ConvSpec { transposed: Some(0.into()), ..ConvSpec::new(4, 4, 1) }),
        &[(Ability::Channels, "its weight has its inputs first: nothing is taken out of it yet")],
    );
    row(Op::Linear { inputs: 144, outputs: 4, bias: true, places: false }, &[]);
    row(Op::BatchNorm { channels: 4, epsilon: 1e-5, momentum: 0.1 }, &[]);
    row(Op::LayerNorm { channels: 4, epsilon: 1e-6, last: false }, &[]);
    row(Op::GroupNorm { groups: 2, channels: 4, epsilon: 1e-5 }, &[whole]);
    row(Op::Position([4, 6, 6]), &[whole]);
    let constant = Op::Constant { dims: Dims::fixed(&[4, 1, 1]).unwrap_or(Dims::rows(1)), learnt: true };
    row(constant, &[(Ability::Channels, "no channel goes into it")]);
    row(
        Op::Embedding { entries: 9, width: 4 },
        &[
            (Ability::Channels, "integers go into it"),
            (Ability::Runtime, "what runs without Burn reads no integers"),
        ],
    );
    row(Op::Attention { heads: 2 }, &[(Ability::Channels, "heads are taken out whole, and not channels")]);
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
        Activation::LeakyRelu(Factor(0.1)),
        Activation::Elu(Factor(0.7)),
        Activation::Selu,
        Activation::Clip(Factor(-0.5), Factor(1.25)),
    ] {
        row(Op::Activation(activation), &[]);
    }
    row(Op::Prelu { channels: 4 }, &[whole]);
    for log in [false, true] {
        row(Op::Softmax { axis: 1, log }, &[(Ability::Channels, "it mixes all channels")]);
    }
    row(Op::MaxPool(Window::new(2, 2)), &[]);
    row(Op::AvgPool(AvgPool::touching(2)), &[]);
    row(Op::Resize(Resize::bilinear([3, 4])), &[]);
    row(Op::Wrap { padding: 1 }, &[]);
    let pad = Pad { before: some(&[0, 0, 1, 1]), after: some(&[0, 0, 1, 1]), with: PadMode::Constant(0.0) };
    row(Op::Pad(pad), &[whole]);
    row(Op::GlobalAvgPool, &[]);
    for to in Reduction::ALL {
        row(Op::Reduce { to, axes: some(&[2, 3]), keep: true }, &[whole]);
    }
    row(Op::Flatten, &[]);
    row(Op::Reshape(dims(&[4, 6, 6])), &[whole]);
    row(Op::Transpose { order: some(&[0, 1, 3, 2]) }, &[whole]);
    row(Op::Concat { axis: 1 }, &[whole]);
    row(Op::Slice(Slice { axis: 2, start: 1, length: 2, step: 2 }), &[whole]);
    row(Op::Expand(dims(&[4, 6, 6])), &[whole]);
    row(Op::Add, &[(Ability::Channels, "what is added shares its channels: such a group stays whole")]);
    for function in Binary::ALL {
        row(Op::Binary(function), &[whole]);
    }
    for function in Unary::ALL {
        row(Op::Unary(function), &[]);
    }
    row(Op::Scale, &[]);
    row(Op::MatMul, &[(Ability::Channels, "it mixes what its matrices are made of")]);
    row(Op::Subsample { stride: 2, channels: 6 }, &[(Ability::Channels, "its new channels have no weights")]);
    rows
}

impl OperationRow {
    /// Why something cannot be done with it, if it cannot.
    pub fn hole(&self, ability: Ability) -> Option<&'static str> {
        self.holes.iter().find(|(hole, _)| *hole == ability).map(|(_, reason)| *reason)
    }

    /// A network of the operation between two convolutions, from four channels to four; none where it does not
    /// fit between them.
    pub fn between(&self) -> Option<Graph> {
        use sapwood_core::Conv;
        let mut g = Graph::builder([4, 6, 6]);
        let x = g.conv("before", g.input(), Conv::new(4, 1));
        let inputs = match self.op.arity() {
            (0, _) => vec![],
            (2, _) if self.op == Op::Scale => {
                let s = g.global_avg_pool(x);
                vec![x, g.conv("gate", s, Conv::new(4, 1))]
            }
            (least, most) => vec![x; most.min(least.max(2)).max(1)],
        };
        let y = g.op("op", self.op, &inputs);
        match g.dims(y).rank() {
            4 => g.conv("after", y, Conv::new(4, 1)),
            _ => g.linear("after", y, 4),
        };
        g.finish().ok()
    }
}
