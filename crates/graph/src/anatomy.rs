//! The layer table of a network.

use serde::Serialize;

use crate::{Dims, Error, Graph, Op, Pair, Shape};

/// One row of the table: a layer with parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Its path.
    pub name: String,
    /// `conv`, `linear`, `norm`, `position`, `constant`, `embedding` or `prelu`.
    pub kind: &'static str,
    /// What comes in, as channels, height and width.
    pub input: Shape,
    /// What goes out, as channels, height and width.
    pub output: Shape,
    /// Height and width of the kernel (1 where there is none).
    pub kernel: Pair,
    /// The stride (1 where there is none).
    pub stride: Pair,
    /// The groups of a convolution (1 elsewhere).
    pub groups: usize,
    /// All trained numbers.
    pub params: u64,
    /// Those that pruning considers: the weights of convolutions and linear
    /// layers, without biases.
    pub weights: u64,
    /// Multiply-accumulates per example, or the largest number where they are more; convolutions and linear layers
    /// only.
    pub macs: u64,
    /// Bytes of the layer's output per example, in f32.
    pub activation_bytes: u64,
}

/// The layers of a network at an input size, with their costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anatomy {
    /// The input size, `[C, H, W]`.
    pub input: Shape,
    /// The layers that have parameters, in the order in which they run.
    pub layers: Vec<Layer>,
}

impl Anatomy {
    /// The forward passes that one example costs in training: its own, and a backward pass that multiplies each
    /// layer's weights twice more, once for the gradient of its input and once for that of its weights (Kaplan et
    /// al. 2020, "Scaling Laws", section 2.1).
    pub const TRAINING_PASSES: f64 = 3.0;

    /// Trained numbers: weights, biases, scale and shift of normalisation.
    pub fn params(&self) -> u64 {
        self.layers.iter().map(|layer| layer.params).sum()
    }

    /// Prunable weights.
    pub fn weights(&self) -> u64 {
        self.layers.iter().map(|layer| layer.weights).sum()
    }

    /// Multiply-accumulates per example.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).fold(0, u64::saturating_add)
    }
}

impl Graph {
    /// The layer table at an input size.
    ///
    /// # Errors
    /// Those of [`Graph::dims_for`].
    pub fn anatomy(&self, input: Shape) -> Result<Anatomy, Error> {
        let dims = self.dims_for(input)?;
        let rows = self.nodes().iter().zip(&dims).filter_map(|(node, output)| {
            let input = node.inputs.first().map_or(output, |id| &dims[*id]);
            let (kind, weights, biases) = match node.op {
                Op::Conv(spec) => {
                    ("conv", spec.weight().iter().product(), if spec.bias { spec.outputs } else { 0 })
                }
                Op::Linear { inputs, outputs, bias, .. } => {
                    ("linear", inputs * outputs, if bias { outputs } else { 0 })
                }
                Op::BatchNorm { channels, .. }
                | Op::LayerNorm { channels, .. }
                | Op::GroupNorm { channels, .. } => ("norm", 0, 2 * channels),
                Op::Position(shape) => ("position", 0, shape.iter().product()),
                Op::Constant { dims, learnt: true } => ("constant", 0, dims.values() as usize),
                Op::Embedding { entries, width } => ("embedding", 0, entries * width),
                Op::Prelu { channels } => ("prelu", 0, channels),
                _ => return None,
            };
            let (kernel, stride, groups, places) = match node.op {
                // Transposed, each pixel that comes in meets all weights of its channel.
                Op::Conv(spec) if spec.transposed.is_some() => {
                    (spec.kernel, spec.stride, spec.groups, places(input, spec.inputs))
                }
                Op::Conv(spec) => (spec.kernel, spec.stride, spec.groups, places(output, spec.outputs)),
                Op::Linear { outputs, .. } => (1.into(), 1.into(), 1, places(output, outputs)),
                _ => (1.into(), 1.into(), 1, 0),
            };
            Some(Layer {
                name: node.name.clone(),
                kind,
                input: input.image(),
                output: output.image(),
                kernel,
                stride,
                groups,
                params: (weights + biases) as u64,
                weights: weights as u64,
                macs: (weights as u64).saturating_mul(places as u64),
                activation_bytes: 4 * output.values() as u64,
            })
        });
        Ok(Anatomy { input, layers: rows.collect() })
    }
}

/// How often a layer's channels stand in a value.
fn places(value: &Dims, channels: usize) -> usize {
    value.values() as usize / channels.max(1)
}
