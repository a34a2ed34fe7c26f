//! The layer table of a network.

use serde::Serialize;

use crate::{Error, Graph, Op, Shape};

/// One row of the table: a layer with parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Its path.
    pub name: String,
    /// `conv`, `linear`, `norm` or `position`.
    pub kind: &'static str,
    /// What comes in, `[C, H, W]`.
    pub input: Shape,
    /// What goes out, `[C, H, W]`.
    pub output: Shape,
    /// Width and height of the kernel (1 where there is none).
    pub kernel: usize,
    /// The stride (1 where there is none).
    pub stride: usize,
    /// The groups of a convolution (1 elsewhere).
    pub groups: usize,
    /// All trained numbers.
    pub params: u64,
    /// Those that pruning considers: the weights of convolutions and linear
    /// layers, without biases.
    pub weights: u64,
    /// Multiply-accumulates per example; convolutions and linear layers only.
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
        self.layers.iter().map(|layer| layer.macs).sum()
    }
}

impl Graph {
    /// The layer table at an input size.
    pub fn anatomy(&self, input: Shape) -> Result<Anatomy, Error> {
        let shapes = self.shapes(input)?;
        let rows = self.nodes().iter().zip(&shapes).filter_map(|(node, &output)| {
            let input = *node.inputs.first().map(|id| &shapes[*id])?;
            let [_, h, w] = output;
            let (kind, kernel, stride, groups, weights, biases) = match node.op {
                Op::Conv(spec) => {
                    let weights = spec.outputs * (spec.inputs / spec.groups) * spec.kernel * spec.kernel;
                    let biases = if spec.bias { spec.outputs } else { 0 };
                    ("conv", spec.kernel, spec.stride, spec.groups, weights, biases)
                }
                Op::Linear { inputs, outputs, bias } => {
                    ("linear", 1, 1, 1, inputs * outputs, if bias { outputs } else { 0 })
                }
                Op::BatchNorm { channels, .. } | Op::LayerNorm { channels, .. } => {
                    ("norm", 1, 1, 1, 0, 2 * channels)
                }
                Op::Position(shape) => ("position", 1, 1, 1, 0, shape.iter().product()),
                _ => return None,
            };
            Some(Layer {
                name: node.name.clone(),
                kind,
                input,
                output,
                kernel,
                stride,
                groups,
                params: (weights + biases) as u64,
                weights: weights as u64,
                macs: (weights * h * w) as u64,
                activation_bytes: 4 * output.iter().product::<usize>() as u64,
            })
        });
        Ok(Anatomy { input, layers: rows.collect() })
    }
}
