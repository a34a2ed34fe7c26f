//! From a graph's nodes to layers: the one place that knows what operations a graph has.

use std::{borrow::Cow, sync::Arc};

use sapwood_graph::{Activation, Array, ConvSpec, Dims, Graph, Node, Op, Pads, State, Window as Written};
use sapwood_kernels::infer::{Curve, Plain, Pooling, Window};

use crate::{
    Error,
    layer::{Conv, Kind, Layer},
};

/// The layers of a network, one for each node of its graph up to the one whose value goes out.
pub(crate) fn lower<'a>(graph: &Graph, state: &'a State) -> Result<Vec<Layer<'a>>, Error> {
    let dims = graph.dims()?;
    let mut without_kernel = Vec::new();
    let [end] = graph.ends()[..] else {
        return Err(Error::NoKernel(vec![format!("{} outputs", graph.ends().len())]));
    };
    let mut layers: Vec<Layer<'a>> = Vec::with_capacity(end + 1);
    for (id, (node, found)) in graph.nodes().iter().zip(&dims).enumerate().take(end + 1) {
        let mut inputs = node.inputs.clone();
        // Who reads all values of an image reads them as they lie.
        if let Op::Linear { places: false, .. } = node.op
            && let Op::Flatten = graph.nodes()[inputs[0]].op
        {
            inputs = graph.nodes()[inputs[0]].inputs.clone();
        }
        let read: Vec<&Dims> = inputs.iter().map(|&input| &dims[input]).collect();
        let is_image = |dims: &&Dims| dims.example().is_some_and(|example| matches!(example.len(), 1 | 3));
        let kind = match node.op {
            Op::Input if id > 0 || graph.entries()[0].integers => None,
            Op::Input => Some(Kind::Input),
            _ if read.iter().chain([&found]).all(is_image) => kind(node, &read, state)?,
            _ => None,
        };
        if kind.is_none() {
            without_kernel.push(format!("`{}` ({})", node.name, node.op.kind()));
        }
        let [channels, height, width] = found.image();
        let (name, kind) = (node.name.clone(), kind.unwrap_or(Kind::Gone));
        layers.push(Layer { name, kind, inputs, channels, size: [height, width] });
    }
    match without_kernel.is_empty() {
        true => Ok(layers),
        false => Err(Error::NoKernel(without_kernel)),
    }
}

/// How a node's value comes about; none where there is no kernel for it.
fn kind<'a>(node: &Node, inputs: &[&Dims], state: &'a State) -> Result<Option<Kind<'a>>, Error> {
    let values = |name: &str, shape: &[usize]| parameter(state, &node.name, name, shape);
    let wide = |values: Cow<'_, [f32]>| values.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let bias = |is_there: bool, outputs: usize| match is_there {
        true => values("bias", &[outputs]).map(wide),
        false => Ok(vec![0.0; outputs]),
    };
    let [channels, height, width] = inputs[0].image();
    Ok(Some(match node.op {
        Op::Conv(spec) if spec.spatial == 2 && spec.transposed.is_none() => {
            let ConvSpec { inputs, outputs, groups, .. } = spec;
            let (window, weight) = (window(&spec.window()), values("weight", &spec.weight())?);
            let bias = bias(spec.bias, outputs)?;
            Kind::Conv(Conv { groups, ..Conv::new(window, inputs, weight, bias) })
        }
        Op::Linear { inputs, outputs, bias: has_bias, places: false } => {
            let weight = values("weight", &[outputs, inputs])?;
            let (window, bias) = (Window::new([height, width], [1, 1]), bias(has_bias, outputs)?);
            Kind::Conv(Conv::new(window, channels, weight, bias))
        }
        Op::BatchNorm { channels, epsilon, .. } => {
            let of = |name: &str| values(name, &[channels]).map(wide);
            let (gamma, beta) = (of("weight")?, of("bias")?);
            let (mean, variance) = (of("running_mean")?, of("running_var")?);
            let scale: Vec<f64> = gamma
                .iter()
                .zip(&variance)
                .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
                .collect();
            let shift = beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale);
            Kind::Affine { shift: shift.collect(), scale }
        }
        Op::Activation(activation) => Kind::Curve(curve(activation)),
        Op::MaxPool(pool) if pool.dilation.square() == Some(1) => Kind::Pool(window(&pool), Pooling::Largest),
        Op::AvgPool(pool) if pool.window.dilation.square() == Some(1) => {
            let Pads { bottom, right, .. } = pool.window.padding;
            let pooling = match pool.count_padding {
                true => Pooling::MeanWithPadding([bottom, right]),
                false => Pooling::Mean,
            };
            Kind::Pool(window(&pool.window), pooling)
        }
        Op::GlobalAvgPool => Kind::Mean,
        Op::Flatten => Kind::Plain("copy", Arc::new(|from: &[&[f32]], to: &mut [f32]| to.copy_from_slice(from[0]))),
        Op::Wrap { padding } => {
            let size = [channels, height, width];
            Kind::Plain("wrap", Arc::new(move |from: &[&[f32]], to: &mut [f32]| wrap(from[0], size, padding, to)))
        }
        Op::Concat { axis: 1 } if inputs.len() <= Plain::MOST => Kind::Plain("concat", Arc::new(concat)),
        Op::Add if inputs[0] == inputs[1] => Kind::Add(None),
        Op::Scale => Kind::Scale,
        Op::Subsample { stride, channels: outputs } => {
            Kind::Subsample { stride: [stride; 2], front: (outputs - channels) / 2 }
        }
        _ => return Ok(None),
    }))
}

pub(crate) fn window(window: &Written) -> Window {
    let Pads { top, left, .. } = window.padding;
    let [kernel, stride, dilation] = [window.kernel, window.stride, window.dilation].map(|pair| pair.hw());
    Window { kernel, stride, dilation, before: [top, left] }
}

/// All channels of several values.
fn concat(from: &[&[f32]], to: &mut [f32]) {
    let mut rest = to;
    for from in from {
        let (to, after) = rest.split_at_mut(from.len());
        to.copy_from_slice(from);
        rest = after;
    }
}

/// The rows and columns of the opposite edges on every side.
fn wrap(from: &[f32], [channels, height, width]: [usize; 3], padding: usize, to: &mut [f32]) {
    let [rows, columns] = [height, width].map(|size| size + 2 * padding);
    for ((c, y), to) in (0..channels).flat_map(|c| (0..rows).map(move |y| (c, y))).zip(to.chunks_mut(columns))
    {
        let row = &from[(c * height + opposite(y, height, padding)) * width..][..width];
        to.iter_mut().enumerate().for_each(|(x, to)| *to = row[opposite(x, width, padding)]);
    }
}

/// Which of `size` rows or columns the one at `at` is, where `padding` of the opposite edge were added on each side.
pub(crate) fn opposite(at: usize, size: usize, padding: usize) -> usize {
    (at + size - padding % size) % size
}

/// A parameter's values.
fn parameter<'a>(
    state: &'a State,
    layer: &str,
    name: &str,
    shape: &[usize],
) -> Result<Cow<'a, [f32]>, Error> {
    let path = format!("{layer}.{name}");
    let Some(array) = state.0.get(path.as_str()) else { return Err(Error::Missing(path.into())) };
    if array.shape() != shape {
        let (expected, found) = (shape.to_vec(), array.shape().to_vec());
        return Err(Error::Shape { path: path.into(), expected, found });
    }
    Ok(narrow(array))
}

fn narrow(array: &Array) -> Cow<'_, [f32]> {
    match array.as_slice::<f32>() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(array.iter().collect()),
    }
}

pub(crate) fn curve(activation: Activation) -> Curve {
    match activation {
        Activation::Relu => Curve::RELU,
        Activation::Relu6 => Curve::Clip(0.0, 6.0),
        Activation::HSwish => Curve::HSwish,
        Activation::HSigmoid => Curve::HSigmoid,
        Activation::Gelu => Curve::Gelu,
        Activation::GeluTanh => Curve::GeluTanh,
        Activation::Sigmoid => Curve::Sigmoid,
        Activation::Tanh => Curve::Tanh,
        Activation::Silu => Curve::Silu,
        Activation::Mish => Curve::Mish,
        Activation::Softplus => Curve::Softplus,
        Activation::LeakyRelu(factor) => Curve::Leaky(factor.0 as f32),
        Activation::Elu(factor) => Curve::Elu(factor.0 as f32, 1.0),
        Activation::Selu => Curve::Elu(1.673_263_2, 1.050_701),
        Activation::Clip(low, high) => Curve::Clip(low.0 as f32, high.0 as f32),
    }
}
