//! A graph of layers that can be run.

use std::sync::Arc;

use burn::{
    prelude::Device,
    tensor::{
        Tensor,
        module::{adaptive_avg_pool2d, avg_pool2d, interpolate, max_pool2d},
        ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions},
    },
};
use sapwood_backend::{Epilogue, Ops, ordered};
use sapwood_core::{Graph, Network, Node, Observed, Op, Pass};

use crate::{
    curve::curve,
    layers::{BatchNorm, Conv2d, LayerNorm, Linear, Position},
    steps::{Step, steps},
};

/// A network of the zoo, or any other [`Graph`] with its weights.
#[derive(Clone, Debug)]
pub struct Net {
    pub(crate) graph: Arc<Graph>,
    /// One entry per node of the graph.
    pub(crate) layers: Vec<Layer>,
    /// What runs, in this order.
    pub(crate) steps: Arc<[Step]>,
    /// For each node, the last step that reads it.
    pub(crate) last_use: Arc<[usize]>,
    pub(crate) ops: Ops,
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
            Op::Linear { inputs, outputs, bias, .. } => {
                Layer::Linear(Linear::new(inputs, outputs, bias, device))
            }
            Op::BatchNorm { channels, .. } => Layer::BatchNorm(BatchNorm::new(channels, device)),
            Op::LayerNorm { channels, .. } => Layer::LayerNorm(LayerNorm::new(channels, device)),
            Op::Position(shape) => Layer::Position(Position::new(shape, device)),
            _ => Layer::Stateless,
        };
        let layers = graph.nodes().iter().map(layer).collect();
        let steps = steps(&graph);
        let mut last_use = vec![usize::MAX; graph.nodes().len()];
        for (number, step) in steps.iter().enumerate() {
            step.reads(&graph).for_each(|read| last_use[read] = number);
        }
        Self {
            graph: Arc::new(graph),
            layers,
            steps: steps.into(),
            last_use: last_use.into(),
            ops: Ops::default(),
        }
    }

    /// The same network computed by other operations.
    pub fn with_ops(self, ops: Ops) -> Self {
        Self { ops, ..self }
    }

    fn run(&self, step: &Step, inputs: Vec<Tensor<4>>, pass: &mut Pass<'_>) -> Option<Tensor<4>> {
        let node = &self.graph.nodes()[step.node];
        let (x, mut more) = {
            let mut inputs = inputs.into_iter();
            (inputs.next()?, inputs)
        };
        Some(match (&self.layers[step.node], node.op) {
            (Layer::Conv(layer), Op::Conv(spec)) => {
                let x = pass.show(&node.name, x);
                layer.forward(x, spec, self.ops)
            }
            (Layer::Linear(layer), _) => {
                let x = pass.show(&node.name, x);
                layer.forward(x)
            }
            (Layer::BatchNorm(layer), Op::BatchNorm { epsilon, momentum, .. }) => {
                let epilogue =
                    Epilogue { residual: more.next(), activation: step.activation.and_then(curve) };
                let norm = (&node.name[..], epsilon, momentum);
                layer.forward(x, norm, epilogue, self.ops, pass)
            }
            (Layer::LayerNorm(layer), Op::LayerNorm { epsilon, .. }) => layer.forward(x, epsilon),
            (Layer::Position(layer), _) => layer.forward(x),
            (_, Op::Attention { heads }) => attention([x, more.next()?, more.next()?], heads),
            (_, Op::Activation(activation)) => self.ops.activate(x, curve(activation)?),
            (_, Op::MaxPool(window)) => {
                let padding = window.padding.symmetric().unwrap_or_default();
                let options = MaxPoolOptions::new(window.kernel.hw()).with_stride(window.stride.hw());
                max_pool2d(x, options.with_padding(padding))
            }
            (_, Op::AvgPool(pool)) => {
                avg_pool2d(x, AvgPoolOptions::new(pool.window.kernel.hw()).with_ceil_mode(true))
            }
            (_, Op::Resize(resize)) => {
                let bilinear = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
                interpolate(x, bilinear.with_output_size(resize.size.hw()))
            }
            (_, Op::Wrap { padding }) => wrap(wrap(x, 2, padding), 3, padding),
            (_, Op::GlobalAvgPool) => adaptive_avg_pool2d(x, [1, 1]),
            (_, Op::Flatten) => x.flatten::<2>(1, 3).unsqueeze_dims(&[2, 3]),
            (_, Op::Add) => x + more.next()?,
            (_, Op::Scale) => ordered::scale(x, more.next()?),
            (_, Op::Subsample { stride, channels }) => subsample(x, stride, channels),
            _ => return None,
        })
    }
}

impl Network for Net {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let mut values: Vec<Option<Tensor<4>>> = vec![None; self.graph.nodes().len()];
        values[0] = Some(input);
        for (number, step) in self.steps.iter().enumerate() {
            let reads: Vec<usize> = step.reads(&self.graph).collect();
            let inputs = reads.iter().filter_map(|&read| values[read].clone()).collect();
            // After its last use a value is this step's alone, to overwrite.
            for read in reads.into_iter().filter(|&read| self.last_use[read] == number) {
                values[read] = None;
            }
            values[step.result] = self.run(step, inputs, pass);
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

/// `softmax(Q K^T / sqrt(d)) V` over the places of each head.
///
/// # Shapes
/// Each `[N, C, H, W]`, and so is the result.
fn attention(inputs: [Tensor<4>; 3], heads: usize) -> Tensor<4> {
    let [n, c, h, w] = inputs[0].dims();
    let (width, places) = (c / heads, h * w);
    // The channels of a head lie together: [N, heads, channels, places].
    let [queries, keys, values] = inputs.map(|x| x.reshape([n, heads, width, places]));
    let likeness = ordered::product(queries.swap_dims(2, 3), keys) / (width as f64).sqrt();
    let weights = ordered::softmax(likeness);
    ordered::product(values, weights.swap_dims(2, 3)).reshape([n, c, h, w])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Spec};
    use burn::tensor::DType;
    use sapwood_backend::{DeviceSpec, Seed};
    use sapwood_core::{Activation, Conv, Layout, gradients, map};

    /// Residuals, their shortcuts, and what mobile networks are made of.
    fn networks() -> [Graph; 2] {
        let residual = Spec { input: [3, 8, 8], ..Spec::named("resnet-18-small").unwrap() };
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("expand", g.input(), Conv::new(8, 1).no_bias());
        let x = g.batch_norm("bn1", x);
        let x = g.activation(x, Activation::HSwish);
        let y = g.conv("depthwise", x, Conv::new(8, 3).same().groups(8).no_bias());
        let y = g.batch_norm("bn2", y);
        let s = g.global_avg_pool(y);
        let s = g.conv("gate", s, Conv::new(8, 1));
        let s = g.activation(s, Activation::HSigmoid);
        let y = g.scale(y, s);
        let y = g.conv("project", y, Conv::new(8, 1).no_bias());
        let y = g.batch_norm("bn3", y);
        let x = g.add(y, x);
        let x = g.global_avg_pool(x);
        let x = g.flatten(x);
        g.linear("fc", x, 10);
        [residual.graph().unwrap(), g.finish().unwrap()]
    }

    #[test]
    fn kernels_and_burns_operations_are_the_same_network() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        for graph in networks() {
            let net = Init::default().apply(Net::new(graph, &device), Seed(1));
            // In f32 a ReLU whose input is nearly zero opens in one and not in the other.
            let net = map(net, Layout::Stored, |_, value| value.cast(DType::F64));
            let x = |device: &Device| {
                let number = |i: i64| ((i * 7919) % 1009) as f32 / 504.5 - 1.0;
                let numbers: Vec<f32> = (0..4 * 192).map(number).collect();
                Tensor::<1>::from_floats(&numbers[..], device).cast(DType::F64).reshape([4, 3, 8, 8])
            };
            let of = |ops: Ops| {
                let net = net.clone().with_ops(ops);
                let evaluated: Vec<f64> =
                    net.forward(x(&device), &mut Pass::evaluate()).into_data().iter().collect();
                let net = burn::module::Module::train(net);
                let y = net.forward(x(&device.clone().autodiff()), &mut Pass::train());
                let gradients = gradients(&net, y.powi_scalar(2).sum(), Layout::Torch);
                let found =
                    gradients.into_values().flat_map(|g| g.into_data().iter::<f64>().collect::<Vec<_>>());
                (evaluated, found.collect::<Vec<_>>())
            };
            let (ours, burns) = (of(Ops::Kernels), of(Ops::Burn));
            for (a, b) in [(ours.0, burns.0), (ours.1, burns.1)] {
                assert!(a.len() == b.len() && a.len() > 1);
                let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
                let far = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
                // Burn's h-swish is good to 1e-8.
                assert!(far < 1e-6, "{far:e}");
            }
        }
    }
}
