//! From a graph's nodes to layers: with `plain`, the one place that knows what operations a graph has.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sapwood_graph::{
    Activation, Array, ConvSpec, Dims, Graph, Grid, Node, Op, Pads, ParamPath, State, Window as Written,
    norm_factors,
};
use sapwood_kernels::infer::{Curve, Function, Plain, Pooling, Window};

use crate::{
    Error,
    each::each,
    heads::{Heads, heads},
    layer::{Conv, Kind, Layer},
    places::{are_pixels, by_pixels, channels_last},
    plain::{Values, constant, linear_of_rounded, plain},
    tight::tight,
};

/// The layers of a network, one for each node of its graph up to the one whose value goes out. Values of nodes with
/// grids are rounded when they are there; linear layers of these names round what they read, row by row, as those that
/// have no bounds of their own are computed. Threads count the weights.
pub(crate) fn lower<'a>(
    graph: &Graph,
    state: &'a State,
    (grids, rows): (&BTreeMap<usize, Grid>, &BTreeSet<String>),
    threads: usize,
) -> Result<Vec<Layer<'a>>, Error> {
    let dims = graph.dims()?;
    let mut without_kernel = Vec::new();
    let [end] = graph.ends()[..] else {
        return Err(Error::NoKernel(vec![format!("{} outputs", graph.ends().len())]));
    };
    if dims[end].batch() != Some(0) {
        return Err(Error::NoKernel(vec![format!("an output {} whose batch is not in front", dims[end])]));
    }
    let by_pixels = by_pixels(graph, &dims, end + 1);
    let mut layers: Vec<Layer<'a>> = Vec::with_capacity(end + 1);
    // What is the same for all images.
    let mut constants: Vec<Option<Arc<[f32]>>> = vec![None; end + 1];
    for (id, (node, found)) in graph.nodes().iter().zip(&dims).enumerate().take(end + 1) {
        let mut inputs = node.inputs.clone();
        // Who reads all values of an image reads them as they lie, if nothing happens to them on the way.
        if let Op::Linear { places: false, .. } = node.op
            && let Op::Flatten = graph.nodes()[inputs[0]].op
            && !grids.contains_key(&inputs[0])
            && !by_pixels[graph.nodes()[inputs[0]].inputs[0]]
        {
            inputs = graph.nodes()[inputs[0]].inputs.clone();
        }
        let heads = heads(graph, &by_pixels, grids, id);
        if let Some(Heads { parts, .. }) = &heads {
            inputs = parts.iter().map(|part| part.0).collect();
        }
        let read: Vec<&Dims> = inputs.iter().map(|&input| &dims[input]).collect();
        let is_empty = |dims: &&Dims| dims.values() == 0;
        let values = |name: &str, shape: &[usize]| parameter(state, &node.name, name, shape);
        let is_known = !inputs.is_empty() && inputs.iter().all(|&input| constants[input].is_some());
        let lie: Vec<(bool, &Dims)> = inputs
            .iter()
            .map(|&input| (by_pixels[input], &dims[input]))
            .chain([(by_pixels[id], found)])
            .collect();
        let are_pixels = are_pixels(lie.iter().copied());
        let is_alike = lie.iter().all(|(by_pixels, _)| *by_pixels == lie[0].0);
        let mut kind = match node.op {
            _ if read.iter().chain([&found]).any(is_empty) => None,
            _ if let Some(Heads { heads, parts }) = &heads => {
                Some(Kind::Attention(*heads, parts.map(|part| part.1)))
            }
            Op::Input if id > 0 || graph.entries()[0].integers => None,
            Op::Input => Some(Kind::Input),
            Op::Constant { dims, .. } => {
                let own: Arc<[f32]> = values("", dims.sizes())?.into();
                constants[id] = Some(own.clone());
                Some(Kind::Plain("constant", constant(own)))
            }
            Op::Linear { .. } if rows.contains(&node.name) => linear_of_rounded(&node.op, &values)?
                .map(|function| Kind::Plain("linear of rounded rows", function)),
            Op::Linear { places: true, .. } if are_pixels && !is_known => at_pixels(&node.op, &values)?,
            _ => {
                let of_image = if is_alike { kind(node, &read, found, state)? } else { None };
                let of_any = match of_image {
                    None => tight(&node.op, &read, found, &values)?,
                    kind => kind,
                };
                match of_any {
                    None if inputs.len() <= Plain::MOST => {
                        let function = plain(&node.op, &read, found, &values)?;
                        function.map(|function| Kind::Plain(node.op.kind(), function))
                    }
                    kind => kind,
                }
            }
        };
        if let Some(Kind::Plain(_, function)) = &kind
            && let Some(values) = folded(function, &inputs, &constants, found)
        {
            constants[id] = Some(values.clone());
            kind = Some(Kind::Plain("constant", constant(values)));
            inputs.clear();
        }
        // What is rounded when the network runs is not computed with before that.
        if grids.contains_key(&id) {
            constants[id] = None;
        }
        if kind.is_none() {
            let lacks = format!("`{}` ({})", node.name, node.op.kind());
            // Operations without a name of their own are called alike.
            if !without_kernel.contains(&lacks) {
                without_kernel.push(lacks);
            }
        }
        let by_pixels = by_pixels[id];
        let [channels, height, width] = match channels_last(found) {
            Some([channels, pixels]) if by_pixels => [channels, 1, pixels],
            _ => found.image(),
        };
        let (name, kind) = (node.name.clone(), kind.unwrap_or(Kind::Gone));
        layers.push(Layer { name, kind, inputs, channels, size: [height, width], by_pixels });
    }
    if !without_kernel.is_empty() {
        return Err(Error::NoKernel(without_kernel));
    }
    let there = each(threads, &layers, |layer| match &layer.kind {
        Kind::Conv(conv) => conv.count(),
        _ => 0,
    });
    for (layer, there) in layers.iter_mut().zip(there) {
        if let Kind::Conv(conv) = &mut layer.kind {
            conv.there = there;
        }
    }
    Ok(layers)
}

/// What a function gives of constants alone.
fn folded(
    function: &Function,
    inputs: &[usize],
    constants: &[Option<Arc<[f32]>>],
    found: &Dims,
) -> Option<Arc<[f32]>> {
    let from: Option<Vec<&[f32]>> = inputs.iter().map(|&input| constants[input].as_deref()).collect();
    let from = from.filter(|from| !from.is_empty())?;
    let mut values = vec![0.0; found.sizes().iter().product()];
    function(&from, &mut values);
    Some(values.into())
}

/// A linear layer of each pixel; none for another operation.
fn at_pixels<'a>(op: &Op, values: Values<'_, 'a>) -> Result<Option<Kind<'a>>, Error> {
    let Op::Linear { inputs, outputs, bias, .. } = *op else { return Ok(None) };
    let bias = match bias {
        true => values("bias", &[outputs])?.iter().map(|x| f64::from(*x)).collect(),
        false => vec![0.0; outputs],
    };
    let weight = values("weight", &[outputs, inputs])?;
    Ok(Some(Kind::Conv(Conv::new(Window::new([1, 1], [1, 1]), inputs, weight, bias))))
}

/// How a node's value comes about; none where there is no kernel for it.
fn kind<'a>(
    node: &Node,
    inputs: &[&Dims],
    found: &Dims,
    state: &'a State,
) -> Result<Option<Kind<'a>>, Error> {
    let has_channels = |dims: &&Dims| dims.example().is_some_and(|example| !example.is_empty());
    match node.op {
        // What is done number by number is done in any dimensions.
        Op::Activation(activation) => return Ok(Some(Kind::Curve(curve(activation)))),
        Op::Add if inputs[0] == inputs[1] => return Ok(Some(Kind::Add(None))),
        _ if inputs.iter().chain([&found]).all(has_channels) => {}
        _ => return Ok(None),
    }
    let values = |name: &str, shape: &[usize]| parameter(state, &node.name, name, shape);
    let wide = |values: Cow<'_, [f32]>| values.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let bias = |is_there: bool, outputs: usize| match is_there {
        true => values("bias", &[outputs]).map(wide),
        false => Ok(vec![0.0; outputs]),
    };
    let [channels, height, width] = inputs[0].image();
    Ok(Some(match node.op {
        Op::Conv(spec) if spec.transposed.is_none() => {
            let ConvSpec { inputs, outputs, groups, .. } = spec;
            let (mut window, weight) = (window(&spec.window()), values("weight", &spec.weight())?);
            if spec.spatial == 1 {
                // A sequence has nothing above.
                window.before[0] = 0;
            }
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
            let scale = norm_factors(gamma, variance, epsilon);
            let shift = beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale);
            Kind::Affine { shift: shift.collect(), scale }
        }
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

/// Which of `size` rows or columns the one at `at` is, where `padding` of the opposite edge were added on each side.
pub(crate) fn opposite(at: usize, size: usize, padding: usize) -> usize {
    (at + size - padding % size) % size
}

/// A layer's parameter; without a name, what a constant is.
fn parameter<'a>(
    state: &'a State,
    layer: &str,
    name: &str,
    shape: &[usize],
) -> Result<Cow<'a, [f32]>, Error> {
    let path = ParamPath::of(layer, name);
    let Some(array) = state.0.get(&path) else { return Err(Error::Missing(path)) };
    if array.shape() != shape {
        let (expected, found) = (shape.to_vec(), array.shape().to_vec());
        return Err(Error::Shape { path, expected, found });
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
        Activation::Selu => {
            let [alpha, scale] = Activation::SELU.map(|number| number as f32);
            Curve::Elu(alpha, scale)
        }
        Activation::Clip(low, high) => Curve::Clip(low.0 as f32, high.0 as f32),
    }
}
