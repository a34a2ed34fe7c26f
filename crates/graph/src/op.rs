//! What a layer or an operation of a network computes. The list is closed: what is not in it no graph says.

mod arithmetic;
mod conv;
mod parts;
mod resize;
mod shape;

pub use arithmetic::{Binary, Reduction, Unary};
pub use conv::ConvSpec;
pub use parts::{Pad, PadMode, Slice};
pub use resize::{Interpolation, Places, Resize};

use serde::{Deserialize, Serialize};

use crate::{Activation, Dims, Pads, Pair, Ranked, Shape, Window};

/// What a node computes. Dimensions are counted from 0, and the batch is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Op {
    /// One of the network's inputs, in their order.
    Input,
    /// A convolution.
    Conv(ConvSpec),
    /// A fully connected layer.
    Linear {
        /// Values that come in.
        inputs: usize,
        /// Values that go out.
        outputs: usize,
        /// Whether there is a bias.
        bias: bool,
        /// Whether it reads the last dimension, for each place of the others, rather than all values of an
        /// example.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        places: bool,
    },
    /// Batch normalisation over channels, which are dimension 1.
    BatchNorm {
        /// Channels.
        channels: usize,
        /// Added to the variance.
        epsilon: f64,
        /// The weight of a batch in the running statistics.
        momentum: f64,
    },
    /// Normalisation of each place over its channels (Ba et al. 2016).
    LayerNorm {
        /// Channels.
        channels: usize,
        /// Added to the variance.
        epsilon: f64,
        /// Whether the channels are the last dimension rather than dimension 1.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        last: bool,
    },
    /// Normalisation over groups of channels and all their places (Wu & He 2018); with a channel to each group
    /// instance normalisation.
    GroupNorm {
        /// Groups of channels.
        groups: usize,
        /// Channels, which are dimension 1.
        channels: usize,
        /// Added to the variance.
        epsilon: f64,
    },
    /// A learnt value for each channel of each place, added to the input.
    Position(Shape),
    /// A value that no input changes, such as a learnt token or the mean of images.
    Constant {
        /// Its dimensions.
        dims: Dims,
        /// Whether it is learnt.
        learnt: bool,
    },
    /// A row of a learnt table for each of the integers that come in, in a new last dimension.
    Embedding {
        /// The rows.
        entries: usize,
        /// The values of a row.
        width: usize,
    },
    /// Attention between the places of three inputs, which are queries, keys and values
    /// (Vaswani et al. 2017, equation 1), separately in each head.
    Attention {
        /// The heads, which have equal shares of the channels.
        heads: usize,
    },
    /// An activation.
    Activation(Activation),
    /// `max(x, 0) + a min(x, 0)` with a learnt `a` for each channel, or one for all (He et al. 2015).
    Prelu {
        /// How many values `a` has: the channels, or 1.
        channels: usize,
    },
    /// `exp(x) / sum exp(x)` over a dimension.
    Softmax {
        /// The dimension.
        axis: usize,
        /// Whether its logarithm goes out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        log: bool,
    },
    /// The largest value of each window. What is added around the planes is never chosen.
    MaxPool(Window),
    /// The mean of each window.
    AvgPool(AvgPool),
    /// The input in another height and width.
    Resize(Resize),
    /// The rows and columns of the opposite edges on every side: on a torus.
    Wrap {
        /// How many on every side.
        padding: usize,
    },
    /// Values added around each dimension.
    Pad(Pad),
    /// The mean over height and width, of which 1 is left.
    GlobalAvgPool,
    /// The sum, mean or another figure over some dimensions.
    Reduce {
        /// The figure.
        to: Reduction,
        /// Over which dimensions.
        axes: Ranked<usize>,
        /// Whether 1 is left of them, rather than nothing.
        keep: bool,
    },
    /// All values of an example in one row.
    Flatten,
    /// The same values in other dimensions.
    Reshape(Dims),
    /// The dimensions in another order: that which comes from dimension `order[d]` is dimension `d`.
    Transpose {
        /// For each dimension that goes out where it comes from.
        order: Ranked<usize>,
    },
    /// The inputs one behind the other.
    Concat {
        /// In which dimension.
        axis: usize,
    },
    /// Some places of one dimension.
    Slice(Slice),
    /// The input as often as these dimensions ask for, by the rules of broadcasting.
    Expand(Dims),
    /// The sum of two inputs, by the rules of broadcasting.
    Add,
    /// Another function of two inputs, by the rules of broadcasting.
    Binary(Binary),
    /// A function of each value.
    Unary(Unary),
    /// The first input, each channel times the single value that the second has for it:
    /// squeeze and excitation (Hu et al. 2018).
    Scale,
    /// The product of matrices, which are the last two dimensions; those before them by the rules of
    /// broadcasting.
    MatMul,
    /// Every `stride`-th pixel, with zero channels added on both sides: the
    /// parameter-free shortcut (option A) of He et al. 2015, section 4.2.
    Subsample {
        /// Stride in both directions.
        stride: usize,
        /// Channels that go out; the first half of the new ones in front.
        channels: usize,
    },
}

/// The mean of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "WrittenAvgPool", into = "WrittenAvgPool")]
pub struct AvgPool {
    /// The windows.
    pub window: Window,
    /// Whether what is added around the planes counts as zeros: PyTorch's `count_include_pad`. What a window
    /// holds beyond that never counts.
    pub count_padding: bool,
}

impl AvgPool {
    /// Windows that touch and do not overlap; those that reach over the edge have the mean of what they hold.
    pub fn touching(kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into();
        Self { window: Window { ceil: true, ..Window::new(kernel, kernel) }, count_padding: false }
    }
}

/// The form in files: alone the kernel means windows that touch.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAvgPool {
    kernel: Pair,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stride: Option<Pair>,
    #[serde(default, skip_serializing_if = "Pads::is_zero")]
    padding: Pads,
    #[serde(default = "Pair::one", skip_serializing_if = "Pair::is_one")]
    dilation: Pair,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    ceil: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    count_padding: bool,
}

fn yes() -> bool {
    true
}

impl From<WrittenAvgPool> for AvgPool {
    fn from(written: WrittenAvgPool) -> Self {
        let WrittenAvgPool { kernel, stride, padding, dilation, ceil, count_padding } = written;
        let window = Window { kernel, stride: stride.unwrap_or(kernel), padding, dilation, ceil };
        Self { window, count_padding }
    }
}

impl From<AvgPool> for WrittenAvgPool {
    fn from(AvgPool { window, count_padding }: AvgPool) -> Self {
        let Window { kernel, stride, padding, dilation, ceil } = window;
        Self { kernel, stride: (stride != kernel).then_some(stride), padding, dilation, ceil, count_padding }
    }
}

impl Op {
    /// The least and the largest number of its inputs.
    pub fn arity(&self) -> (usize, usize) {
        match self {
            Self::Input | Self::Constant { .. } => (0, 0),
            Self::Add | Self::Scale | Self::Binary(_) | Self::MatMul => (2, 2),
            Self::Attention { .. } => (3, 3),
            Self::Concat { .. } => (1, usize::MAX),
            _ => (1, 1),
        }
    }

    /// Whether it is a convolution or a linear layer.
    pub fn has_weights(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Linear { .. })
    }

    /// Whether it is one with a bias. By the name alone that cannot be told: what is added behind a layer may be called
    /// `fc.bias`, too, as a constant.
    pub fn has_bias(&self) -> bool {
        matches!(self, Self::Conv(ConvSpec { bias: true, .. }) | Self::Linear { bias: true, .. })
    }

    /// Whether it only moves or picks its input's numbers, perhaps with zeros between them: they stay on its grid.
    pub fn is_carrier(&self) -> bool {
        matches!(
            self,
            Self::MaxPool(_)
                | Self::Flatten
                | Self::Reshape(_)
                | Self::Transpose { .. }
                | Self::Slice(_)
                | Self::Expand(_)
                | Self::Wrap { .. }
                | Self::Subsample { .. }
        )
    }

    /// Whether it is a layer with parameters.
    pub fn has_parameters(&self) -> bool {
        matches!(
            self,
            Self::Conv(_)
                | Self::Linear { .. }
                | Self::BatchNorm { .. }
                | Self::LayerNorm { .. }
                | Self::GroupNorm { .. }
                | Self::Position(_)
                | Self::Constant { .. }
                | Self::Embedding { .. }
                | Self::Prelu { .. }
        )
    }

    /// The largest number that a file may have named.
    pub(crate) fn largest_number(&self) -> usize {
        let window = |window: &Window| window.numbers().max();
        match self {
            Self::Conv(c) => [c.inputs, c.outputs, c.groups].into_iter().chain(c.window().numbers()).max(),
            Self::Linear { inputs, outputs, .. } => Some(*inputs.max(outputs)),
            Self::BatchNorm { channels, .. }
            | Self::LayerNorm { channels, .. }
            | Self::GroupNorm { channels, .. }
            | Self::Prelu { channels } => Some(*channels),
            Self::Position(shape) => shape.iter().copied().max(),
            Self::Embedding { entries, width } => Some(*entries.max(width)),
            Self::Attention { heads } => Some(*heads),
            Self::MaxPool(pool) => window(pool),
            Self::AvgPool(pool) => window(&pool.window),
            Self::Resize(resize) => Some(resize.size.h.max(resize.size.w)),
            Self::Wrap { padding } => Some(*padding),
            Self::Pad(pad) => pad.before.iter().chain(pad.after.iter()).copied().max(),
            Self::Constant { dims, .. } | Self::Reshape(dims) | Self::Expand(dims) => {
                dims.sizes().iter().copied().max()
            }
            Self::Slice(slice) => Some(slice.start.max(slice.length).max(slice.step)),
            Self::Softmax { axis, .. } | Self::Concat { axis } => Some(*axis),
            Self::Reduce { axes, .. } => axes.iter().copied().max(),
            Self::Transpose { order } => order.iter().copied().max(),
            Self::Subsample { stride, channels } => Some(*stride.max(channels)),
            Self::Input
            | Self::Activation(_)
            | Self::GlobalAvgPool
            | Self::Flatten
            | Self::Add
            | Self::Binary(_)
            | Self::Unary(_)
            | Self::Scale
            | Self::MatMul => None,
        }
        .unwrap_or(0)
    }

    /// What it is called in tables and signatures: `max_pool`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Conv(spec) if spec.transposed.is_some() => "transposed_conv",
            Self::Conv(_) => "conv",
            Self::Linear { .. } => "linear",
            Self::BatchNorm { .. } => "batch_norm",
            Self::LayerNorm { .. } => "layer_norm",
            Self::GroupNorm { .. } => "group_norm",
            Self::Position(_) => "position",
            Self::Constant { .. } => "constant",
            Self::Embedding { .. } => "embedding",
            Self::Attention { .. } => "attention",
            Self::Activation(activation) => activation.name(),
            Self::Prelu { .. } => "prelu",
            Self::Softmax { log: false, .. } => "softmax",
            Self::Softmax { log: true, .. } => "log_softmax",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool(_) => "avg_pool",
            Self::Resize(_) => "resize",
            Self::Wrap { .. } => "wrap",
            Self::Pad(_) => "pad",
            Self::GlobalAvgPool => "global_avg_pool",
            Self::Reduce { to, .. } => to.name(),
            Self::Flatten => "flatten",
            Self::Reshape(_) => "reshape",
            Self::Transpose { .. } => "transpose",
            Self::Concat { .. } => "concat",
            Self::Slice(_) => "slice",
            Self::Expand(_) => "expand",
            Self::Add => "add",
            Self::Binary(function) => function.name(),
            Self::Unary(function) => function.name(),
            Self::Scale => "scale",
            Self::MatMul => "matmul",
            Self::Subsample { .. } => "subsample",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_in_the_first_version_is_written_as_there() {
        for (op, text) in [
            (
                Op::MaxPool(Window::new(3, 2).padding(1)),
                r#"{"max-pool":{"kernel":3,"stride":2,"padding":1}}"#,
            ),
            (Op::AvgPool(AvgPool::touching(2)), r#"{"avg-pool":{"kernel":2}}"#),
            (Op::Resize(Resize::bilinear([4, 5])), r#"{"resize":{"size":[4,5]}}"#),
            (
                Op::Linear { inputs: 3, outputs: 2, bias: true, places: false },
                r#"{"linear":{"inputs":3,"outputs":2,"bias":true}}"#,
            ),
            (
                Op::LayerNorm { channels: 3, epsilon: 1e-6, last: false },
                r#"{"layer-norm":{"channels":3,"epsilon":1e-6}}"#,
            ),
            (Op::Activation(Activation::Relu6), r#"{"activation":"relu6"}"#),
            (Op::Flatten, r#""flatten""#),
        ] {
            assert_eq!(serde_json::to_string(&op).unwrap(), text);
            assert_eq!(serde_json::from_str::<Op>(text).unwrap(), op);
        }
    }
}
