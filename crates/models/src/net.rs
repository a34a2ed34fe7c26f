//! A graph of layers that can be run.

use std::sync::Arc;

use burn::{
    prelude::Device,
    tensor::{
        Tensor,
        activation::{gelu, relu, relu6, softmax},
        module::{adaptive_avg_pool2d, avg_pool2d, interpolate, max_pool2d},
        ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions},
    },
};
use sapwood_core::{Activation, Graph, Network, Node, Observed, Op, Pass};

use crate::layers::{BatchNorm, Conv2d, LayerNorm, Linear, Position};

/// A network of the zoo, or any other [`Graph`] with its weights.
#[derive(Clone, Debug)]
pub struct Net {
    pub(crate) graph: Arc<Graph>,
    /// One entry per node of the graph.
    pub(crate) layers: Vec<Layer>,
    /// For each node, the last node that reads it.
    pub(crate) last_use: Arc<[usize]>,
}

#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Conv(Conv2d),
    Linear(Linear),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Position(Position),
    Stateless,
}

impl Net {
    /// The network with zero weights and untouched normalisation. What draws or
    /// loads the weights is [`Init`](crate::Init) or a file.
    pub fn new(graph: Graph, device: &Device) -> Self {
        let layer = |node: &Node| match node.op {
            Op::Conv(spec) => Layer::Conv(Conv2d::new(spec, device)),
            Op::Linear { inputs, outputs, bias } => Layer::Linear(Linear::new(inputs, outputs, bias, device)),
            Op::BatchNorm { channels, .. } => Layer::BatchNorm(BatchNorm::new(channels, device)),
            Op::LayerNorm { channels, .. } => Layer::LayerNorm(LayerNorm::new(channels, device)),
            Op::Position(shape) => Layer::Position(Position::new(shape, device)),
            _ => Layer::Stateless,
        };
        let layers = graph.nodes().iter().map(layer).collect();
        let mut last_use: Vec<usize> = (0..graph.nodes().len()).collect();
        for (id, node) in graph.nodes().iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_use[input] = id);
        }
        Self { graph: Arc::new(graph), layers, last_use: last_use.into() }
    }

    fn run(&self, id: usize, inputs: Vec<Tensor<4>>, pass: &mut Pass<'_>) -> Option<Tensor<4>> {
        let node = &self.graph.nodes()[id];
        let (x, mut more) = {
            let mut inputs = inputs.into_iter();
            (inputs.next()?, inputs)
        };
        Some(match (&self.layers[id], node.op) {
            (Layer::Conv(layer), Op::Conv(spec)) => {
                pass.show(&node.name, &x);
                layer.forward(x, spec)
            }
            (Layer::Linear(layer), _) => {
                pass.show(&node.name, &x);
                layer.forward(x)
            }
            (Layer::BatchNorm(layer), Op::BatchNorm { epsilon, momentum, .. }) => {
                layer.forward(x, &node.name, epsilon, momentum, pass)
            }
            (Layer::LayerNorm(layer), Op::LayerNorm { epsilon, .. }) => layer.forward(x, epsilon),
            (Layer::Position(layer), _) => layer.forward(x),
            (_, Op::Attention { heads }) => attention([x, more.next()?, more.next()?], heads),
            (_, Op::Activation(activation)) => activate(x, activation),
            (_, Op::MaxPool { kernel, stride, padding }) => {
                let window = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]);
                max_pool2d(x, window.with_padding([padding; 2]))
            }
            (_, Op::AvgPool { kernel }) => {
                avg_pool2d(x, AvgPoolOptions::new([kernel; 2]).with_ceil_mode(true))
            }
            (_, Op::Resize { size }) => {
                let bilinear = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
                interpolate(x, bilinear.with_output_size(size))
            }
            (_, Op::Wrap { padding }) => wrap(wrap(x, 2, padding), 3, padding),
            (_, Op::GlobalAvgPool) => adaptive_avg_pool2d(x, [1, 1]),
            (_, Op::Flatten) => x.flatten::<2>(1, 3).unsqueeze_dims(&[2, 3]),
            (_, Op::Add) => x + more.next()?,
            (_, Op::Scale) => x * more.next()?,
            (_, Op::Subsample { stride, channels }) => subsample(x, stride, channels),
            _ => return None,
        })
    }
}

impl Network for Net {
    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let mut values: Vec<Option<Tensor<4>>> = vec![Some(input)];
        for (id, node) in self.graph.nodes().iter().enumerate().skip(1) {
            let inputs: Vec<_> = node.inputs.iter().filter_map(|&input| values[input].clone()).collect();
            // After its last use a value is this node's alone, to overwrite.
            for &input in node.inputs.iter().filter(|&&input| self.last_use[input] == id) {
                values[input] = None;
            }
            let value = self.run(id, inputs, pass);
            values.push(value);
        }
        // The graph's constructor leaves no node without its inputs, so the
        // last value is always there.
        let output = values.pop().flatten().unwrap_or_else(|| unreachable!("a graph ends with a value"));
        output.flatten(1, 3)
    }
}

impl Observed for Net {
    fn graph(&self) -> &Graph {
        &self.graph
    }
}

fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Relu => relu(x),
        Activation::Relu6 => relu6(x),
        Activation::HSwish => x.clone() * h_sigmoid(x),
        Activation::HSigmoid => h_sigmoid(x),
        Activation::Gelu => gelu(x),
    }
}

fn h_sigmoid(x: Tensor<4>) -> Tensor<4> {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

/// `softmax(Q K^T / sqrt(d)) V` over the places of each head.
///
/// # Shapes
/// Each `[N, C, H, W]`, and so is the result.
fn attention(inputs: [Tensor<4>; 3], heads: usize) -> Tensor<4> {
    let [n, c, h, w] = inputs[0].dims();
    let (width, places) = (c / heads, h * w);
    // The channels of a head lie together: [N, heads, channels, places].
    let [queries, keys, values] = inputs.map(|x| x.reshape([n, heads, width, places]));
    let likeness = queries.swap_dims(2, 3).matmul(keys) / (width as f64).sqrt();
    let weights = softmax(likeness, 3);
    values.matmul(weights.swap_dims(2, 3)).reshape([n, c, h, w])
}

/// What lies at the opposite edge, on both sides of a dimension.
fn wrap(x: Tensor<4>, dim: usize, padding: usize) -> Tensor<4> {
    let size = x.dims()[dim];
    let (last, first) = (x.clone().narrow(dim, size - padding, padding), x.clone().narrow(dim, 0, padding));
    Tensor::cat(vec![last, x, first], dim)
}

/// Every `stride`-th pixel; the new channels are zero, half of them in front.
fn subsample(x: Tensor<4>, stride: usize, channels: usize) -> Tensor<4> {
    // A window of one pixel picks what strided slicing would, and has a fast
    // backward pass everywhere.
    let x = max_pool2d(x, MaxPoolOptions::new([1, 1]).with_stride([stride; 2]));
    let [n, c, h, w] = x.dims();
    let front = channels.saturating_sub(c) / 2;
    let zeros = |count: usize| Tensor::zeros([n, count, h, w], (&x.device(), x.dtype()));
    let parts = [zeros(front), x.clone(), zeros(channels - c - front)];
    Tensor::cat(parts.into_iter().filter(|part| part.dims()[1] > 0).collect(), 1)
}
