//! From a graph's nodes to layers: the one place that knows what operations a graph has.

use std::borrow::Cow;

use sapwood_graph::{Activation, Array, ConvSpec, Graph, Node, Op, Shape, State};
use sapwood_kernels::{
    Activation as Curve,
    infer::{Pooling, Window},
};

use crate::{
    Error,
    layer::{Conv, Kind, Layer},
};

/// The layers of a network, one for each node of its graph.
pub(crate) fn lower<'a>(graph: &Graph, state: &'a State) -> Result<Vec<Layer<'a>>, Error> {
    let shapes = graph.shapes(graph.input())?;
    let mut layers: Vec<Layer<'a>> = Vec::with_capacity(shapes.len());
    let mut without_kernel = Vec::new();
    for (id, (node, &[channels, height, width])) in graph.nodes().iter().zip(&shapes).enumerate() {
        let kind = match node.op {
            Op::Input if id > 0 => None,
            Op::Input => Some(Kind::Input),
            _ => kind(node, &node.inputs.iter().map(|&input| shapes[input]).collect::<Vec<_>>(), state)?,
        };
        let mut inputs = node.inputs.clone();
        // Who reads all values of an image reads them as they lie.
        if let Op::Linear { .. } = node.op
            && let Op::Flatten = graph.nodes()[inputs[0]].op
        {
            inputs = graph.nodes()[inputs[0]].inputs.clone();
        }
        if kind.is_none() {
            without_kernel.push(format!("`{}` ({})", node.name, operation(&node.op)));
        }
        let kind = kind.unwrap_or(Kind::Gone);
        layers.push(Layer { name: node.name.clone(), kind, inputs, channels, size: [height, width] });
    }
    match without_kernel.is_empty() {
        true => Ok(layers),
        false => Err(Error::NoKernel(without_kernel)),
    }
}

/// How a node's value comes about; none where there is no kernel for it.
fn kind<'a>(node: &Node, inputs: &[Shape], state: &'a State) -> Result<Option<Kind<'a>>, Error> {
    let values = |name: &str, shape: &[usize]| parameter(state, &node.name, name, shape);
    let wide = |values: Cow<'_, [f32]>| values.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let bias = |is_there: bool, outputs: usize| match is_there {
        true => values("bias", &[outputs]).map(wide),
        false => Ok(vec![0.0; outputs]),
    };
    let [channels, height, width] = inputs[0];
    Ok(Some(match node.op {
        Op::Conv(spec) => {
            let ConvSpec { inputs, outputs, kernel, stride, padding, groups, .. } = spec;
            let window = Window { before: [padding; 2], ..Window::new([kernel; 2], [stride; 2]) };
            let weight = values("weight", &[outputs, inputs / groups, kernel, kernel])?;
            let bias = bias(spec.bias, outputs)?;
            Kind::Conv(Conv { window, groups, inputs, weight, scale: None, bias, activation: None })
        }
        Op::Linear { inputs, outputs, bias: has_bias } => {
            let weight = values("weight", &[outputs, inputs])?;
            let (window, bias) = (Window::new([height, width], [1, 1]), bias(has_bias, outputs)?);
            Kind::Conv(Conv {
                window,
                groups: 1,
                inputs: channels,
                weight,
                scale: None,
                bias,
                activation: None,
            })
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
        Op::MaxPool { kernel, stride, padding } => {
            let window = Window { before: [padding; 2], ..Window::new([kernel; 2], [stride; 2]) };
            Kind::Pool(window, Pooling::Largest)
        }
        Op::AvgPool { kernel } => Kind::Pool(Window::new([kernel; 2], [kernel; 2]), Pooling::Mean),
        Op::GlobalAvgPool => Kind::Mean,
        Op::Flatten => Kind::Plain("copy", Box::new(|from, to| to.copy_from_slice(from[0]))),
        Op::Add => Kind::Add(None),
        Op::Scale => Kind::Scale,
        Op::Subsample { stride, channels: outputs } => {
            Kind::Subsample { stride: [stride; 2], front: (outputs - channels) / 2 }
        }
        _ => return Ok(None),
    }))
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

fn curve(activation: Activation) -> Curve {
    match activation {
        Activation::Relu => Curve::Relu,
        Activation::Relu6 => Curve::Relu6,
        Activation::HSwish => Curve::HSwish,
        Activation::HSigmoid => Curve::HSigmoid,
        Activation::Gelu => Curve::Gelu,
    }
}

/// What an operation is called in messages: the name of its kind.
fn operation(op: &Op) -> String {
    let text = format!("{op:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase()
}
