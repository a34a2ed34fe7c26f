//! How the layers of a network connect.

use serde::{Deserialize, Serialize};

use crate::{Activation, Error, GraphBuilder};

/// The shape of one example between two layers: `[C, H, W]`. What is flat has
/// `H = W = 1`.
pub type Shape = [usize; 3];

/// A convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvSpec {
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
    /// Width and height of the kernel.
    pub kernel: usize,
    /// Stride in both directions.
    pub stride: usize,
    /// Zero padding on every side.
    pub padding: usize,
    /// Groups of channels; as many as inputs in a depthwise convolution.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

/// What a node computes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Op {
    /// The network's input.
    Input,
    /// A convolution.
    Conv(ConvSpec),
    /// A fully connected layer on a flat input.
    Linear {
        /// Values that come in.
        inputs: usize,
        /// Values that go out.
        outputs: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// Batch normalisation over channels.
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
    },
    /// A learnt value for each channel of each place, added to the input.
    Position(Shape),
    /// Attention between the places of three inputs, which are queries, keys and values
    /// (Vaswani et al. 2017, equation 1), separately in each head.
    Attention {
        /// The heads, which have equal shares of the channels.
        heads: usize,
    },
    /// An activation.
    Activation(Activation),
    /// The largest value of each window.
    MaxPool {
        /// Width and height of the window.
        kernel: usize,
        /// Stride in both directions.
        stride: usize,
        /// Padding on every side, never chosen as the largest.
        padding: usize,
    },
    /// The mean of each window. Windows touch and do not overlap; those that reach over the
    /// edge have the mean of what they hold.
    AvgPool {
        /// Width and height of the window.
        kernel: usize,
    },
    /// The input in another height and width, bilinearly.
    Resize {
        /// Height and width that go out.
        size: [usize; 2],
    },
    /// The rows and columns of the opposite edges on every side: on a torus.
    Wrap {
        /// How many on every side.
        padding: usize,
    },
    /// The mean over height and width.
    GlobalAvgPool,
    /// All values of an example in one row.
    Flatten,
    /// The sum of two inputs of one shape.
    Add,
    /// The first input, each channel times the single value that the second has for it:
    /// squeeze and excitation (Hu et al. 2018).
    Scale,
    /// Every `stride`-th pixel, with zero channels added on both sides: the
    /// parameter-free shortcut (option A) of He et al. 2015, section 4.2.
    Subsample {
        /// Stride in both directions.
        stride: usize,
        /// Channels that go out; the first half of the new ones in front.
        channels: usize,
    },
}

/// A layer or operation and where its inputs come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The layer's path (`layer1.0.conv1`), or the operation's name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes that it reads, by position; all earlier than itself.
    pub inputs: Vec<usize>,
}

/// A network as a directed acyclic graph of layers, in an order in which they
/// can be run. The first node is the input, the last one the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graph {
    nodes: Vec<Node>,
    input: Shape,
}

/// The most values that an output may have.
const MOST_VALUES: u128 = 1 << 40;
impl Graph {
    /// Begins a network on inputs of this shape.
    pub fn builder(input: Shape) -> GraphBuilder {
        GraphBuilder::new(input)
    }

    pub(crate) fn new(nodes: Vec<Node>, input: Shape) -> Self {
        Self { nodes, input }
    }

    /// The nodes, in an order in which they can be run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The input shape for which the network was built.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape that leaves each node for an input shape.
    pub fn shapes(&self, input: Shape) -> Result<Vec<Shape>, Error> {
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<Shape> = node.inputs.iter().map(|id| shapes[*id]).collect();
            let shape = match node.op {
                Op::Input => Ok(input),
                op => op.shape(&inputs),
            };
            let refuse = |problem| Error::Graph { layer: node.name.clone(), problem };
            let shape = shape.map_err(refuse)?;
            // Beyond this no count of weights or arithmetic would fit its number.
            let values = shape.iter().map(|size| *size as u128).product::<u128>();
            if MOST_VALUES < values {
                return Err(refuse(format!("its output of {shape:?} is too large for any machine")));
            }
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// The number of outputs per example at the shape for which it was built.
    pub fn outputs(&self) -> Result<usize, Error> {
        Ok(self.shapes(self.input)?.last().map_or(0, |shape| shape.iter().product()))
    }
}

impl Op {
    /// The number of its inputs.
    pub fn arity(&self) -> usize {
        match self {
            Self::Input => 0,
            Self::Add | Self::Scale => 2,
            Self::Attention { .. } => 3,
            _ => 1,
        }
    }

    pub(crate) fn largest_number(&self) -> usize {
        match *self {
            Self::Conv(c) => [c.inputs, c.outputs, c.kernel, c.stride, c.padding, c.groups].into_iter().max(),
            Self::Linear { inputs, outputs, .. } => Some(inputs.max(outputs)),
            Self::BatchNorm { channels, .. } | Self::LayerNorm { channels, .. } => Some(channels),
            Self::Position(shape) => shape.into_iter().max(),
            Self::Attention { heads } => Some(heads),
            Self::MaxPool { kernel, stride, padding } => [kernel, stride, padding].into_iter().max(),
            Self::AvgPool { kernel } => Some(kernel),
            Self::Resize { size } => size.into_iter().max(),
            Self::Wrap { padding } => Some(padding),
            Self::Subsample { stride, channels } => Some(stride.max(channels)),
            Self::Input
            | Self::Activation(_)
            | Self::GlobalAvgPool
            | Self::Flatten
            | Self::Add
            | Self::Scale => None,
        }
        .unwrap_or(0)
    }

    /// Whether it is a convolution or a linear layer.
    pub fn has_weights(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Linear { .. })
    }

    /// Whether it is a layer with something to learn.
    pub fn has_parameters(&self) -> bool {
        matches!(
            self,
            Self::Conv(_)
                | Self::Linear { .. }
                | Self::BatchNorm { .. }
                | Self::LayerNorm { .. }
                | Self::Position(_)
        )
    }

    /// The shape that leaves, for the shapes that come in.
    pub fn shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let [c, h, w] = *inputs.first().ok_or("it has no input")?;
        let window = |kernel: usize, stride: usize, padding: usize| {
            if kernel == 0 || stride == 0 {
                return Err(format!("its window and stride must be at least 1, not {kernel} and {stride}"));
            }
            let size = |n: usize| (n + 2 * padding).checked_sub(kernel).map(|room| room / stride + 1);
            size(h)
                .zip(size(w))
                .ok_or(format!("its {kernel}x{kernel} window is larger than its {h}x{w} input"))
        };
        match *self {
            Op::Input => Ok([c, h, w]),
            Op::Conv(spec) => {
                if spec.groups == 0
                    || !spec.inputs.is_multiple_of(spec.groups)
                    || !spec.outputs.is_multiple_of(spec.groups)
                {
                    let ConvSpec { inputs, outputs, groups, .. } = spec;
                    return Err(format!(
                        "{inputs} input and {outputs} output channels cannot be cut into {groups} groups"
                    ));
                }
                expect("channels", spec.inputs, c)?;
                let (h, w) = window(spec.kernel, spec.stride, spec.padding)?;
                Ok([spec.outputs, h, w])
            }
            Op::Linear { inputs, outputs, .. } => {
                expect("values", inputs, c * h * w)?;
                Ok([outputs, 1, 1])
            }
            Op::BatchNorm { channels, .. } | Op::LayerNorm { channels, .. } => {
                expect("channels", channels, c).map(|()| [c, h, w])
            }
            Op::Position(shape) if shape == [c, h, w] => Ok(shape),
            Op::Position(shape) => {
                Err(format!("it has values for {shape:?}, and its input is {:?}", [c, h, w]))
            }
            Op::Attention { heads } if heads == 0 || c % heads != 0 => {
                Err(format!("{c} channels cannot be cut into {heads} heads"))
            }
            Op::Attention { .. } | Op::Add if inputs.iter().all(|shape| *shape == [c, h, w]) => Ok([c, h, w]),
            Op::Attention { .. } => {
                Err(format!("its queries, keys and values have different shapes: {inputs:?}"))
            }
            Op::Scale if inputs.get(1) == Some(&[c, 1, 1]) => Ok([c, h, w]),
            Op::Scale => {
                Err(format!("expected one factor for each of {c} channels, found {:?}", &inputs[1..]))
            }
            Op::Activation(_) => Ok([c, h, w]),
            Op::MaxPool { kernel, padding, .. } if 2 * padding > kernel => {
                Err(format!("its padding {padding} is more than half of its {kernel}x{kernel} window"))
            }
            Op::MaxPool { kernel, stride, padding } => {
                let (h, w) = window(kernel, stride, padding)?;
                Ok([c, h, w])
            }
            Op::AvgPool { kernel: 0 } => Err("its window must be at least 1".into()),
            Op::AvgPool { kernel } => Ok([c, h.div_ceil(kernel), w.div_ceil(kernel)]),
            Op::Resize { size } if size.contains(&0) => Err("it leaves nothing of its input".into()),
            Op::Resize { size: [h, w] } => Ok([c, h, w]),
            Op::Wrap { padding } if padding > h.min(w) => {
                Err(format!("it wraps {padding} of a {h}x{w} input"))
            }
            Op::Wrap { padding } => Ok([c, h + 2 * padding, w + 2 * padding]),
            Op::GlobalAvgPool => Ok([c, 1, 1]),
            Op::Flatten => Ok([c * h * w, 1, 1]),
            Op::Add => Err(format!("it adds different shapes: {inputs:?}")),
            Op::Subsample { stride, channels } if stride == 0 || channels < c => {
                Err(format!("it cannot make {channels} channels of {c} with stride {stride}"))
            }
            Op::Subsample { stride, channels } => Ok([channels, h.div_ceil(stride), w.div_ceil(stride)]),
        }
    }
}

fn expect(what: &str, expected: usize, found: usize) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("expected {expected} {what}, found {found}")) }
}
