//! A quantised network computed with integers.

mod moves;

use std::collections::BTreeMap;

use sapwood_graph::{Activation, AvgPool, Dims, Op, ParamPath, Per, QuantizedNetwork, Shape, Window};
use sapwood_kernels::{
    Convolution,
    exact::{Factors, Integers, add, largest, mean, means, requantised, sums},
};

use self::moves::{is_move, moved};
use crate::{
    Error,
    integers::{biases, integers},
    lower::curve,
    places::{are_pixels, by_pixels},
};

/// A quantised network that is computed with integers as ONNX Runtime's operators are, value by value: slow, and the
/// truth for whatever computes it faster. Only the network's output is in floating point: that of its last layer, or the
/// numbers of its integers where it has a grid.
#[derive(Clone, Debug)]
pub struct Exact {
    network: QuantizedNetwork,
    layers: BTreeMap<String, Layer>,
}

/// The weights of a layer in whole numbers.
#[derive(Clone, Debug)]
struct Layer {
    weights: Vec<i32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

/// A value of the network.
#[derive(Clone, Debug)]
struct Value {
    integers: Vec<i32>,
    of: Integers,
    shape: Shape,
}

impl Exact {
    /// Of a network of integers.
    ///
    /// # Errors
    /// Layers that compute in floating point, or with scales that are not those of a tensor or of output channels.
    pub fn new(network: QuantizedNetwork) -> Result<Self, Error> {
        let graph = &network.graph;
        if let Some(layer) = network.dynamic.first() {
            let problem =
                "what it reads is rounded row by row, and integers are summed between known bounds".into();
            return Err(Error::Layer { layer: layer.clone(), problem });
        }
        let (mut layers, dims) = (BTreeMap::new(), graph.dims()?);
        let by_pixels = by_pixels(graph, &dims, graph.nodes().len());
        for (at, node) in graph.nodes().iter().enumerate() {
            let refuse = |problem: &str| Error::Layer { layer: node.name.clone(), problem: problem.into() };
            if node.op.has_weights() {
                let weight = network.weights.get(&ParamPath::of(&node.name, "weight"));
                let weight = weight.ok_or_else(|| refuse("its weights are no integers"))?;
                let outputs = weight.shape().first().copied().unwrap_or(0);
                let scales: Vec<f32> = weight.scale().iter().collect();
                let is_of_outputs = matches!(weight.per(), Per::Tensor | Per::Axis(0));
                if !is_of_outputs
                    || ![1, outputs].contains(&scales.len())
                    || weight.zero_point().is_some_and(|points| points.iter::<i64>().any(|point| point != 0))
                {
                    return Err(refuse(
                        "integers are summed where a tensor or each output has one scale, and 0 stands for 0",
                    ));
                }
                let bias = network.rest.parameter(&node.name, "bias").filter(|_| node.op.has_bias());
                let bias = bias.map_or_else(Vec::new, |bias| bias.iter().collect());
                layers.insert(
                    node.name.clone(),
                    Layer { weights: weight.values().iter().collect(), scales, bias },
                );
            }
            let is_moved = node.inputs.first().is_some_and(|read| is_move(&node.op, &dims[*read], &dims[at]));
            let around = || node.inputs.iter().copied().chain([at]).map(|id| (by_pixels[id], &dims[id]));
            if matches!(node.op, Op::Linear { places: true, .. }) && !are_pixels(around()) {
                return Err(refuse("what it reads or gives has its channels in front for others"));
            }
            if !is_known(&node.op) && !is_moved {
                return Err(refuse("it is not computed with integers"));
            }
            // A function of integers is one from grid to grid.
            if is_by_table(&node.op) {
                let (own, before) = (network.grids.contains_key(&at), node.inputs[0]);
                let is_rounded =
                    !has_own_grid(&graph.nodes()[before].op) || network.grids.contains_key(&before);
                if !own || !is_rounded {
                    return Err(refuse(
                        "it is computed with integers where it and what it reads have a range",
                    ));
                }
            }
            // A bound within a grid need not lie on it.
            let before = node.inputs.first().and_then(|read| network.grid_of(*read));
            if matches!(node.op, Op::Activation(Activation::Relu6))
                && !network.grids.contains_key(&at)
                && before.is_some_and(|grid| integers(grid).exceed(6.0))
            {
                return Err(refuse("it has no range, and what it reads goes beyond 6"));
            }
            // What gives its input's integers has no grid but theirs.
            let read = node.inputs.first().and_then(|read| network.grid_of(*read));
            let own = network.grids.get(&at);
            if node.op.is_carrier() && own.is_some() && read.is_some() && own != read {
                return Err(refuse("it has another grid than what it reads"));
            }
        }
        if graph.ends() != [graph.nodes().len() - 1] || graph.entries().len() != 1 {
            let problem = "networks with one input and one output are computed with integers".into();
            return Err(Error::Layer { layer: "input".into(), problem });
        }
        Ok(Self { network, layers })
    }

    /// The outputs for some examples of one shape.
    ///
    /// # Errors
    /// Examples that the network does not take; a value without a range; a bias that 32 bits do not hold.
    ///
    /// # Shapes
    /// `input`: `[N, C, H, W]`; the result `[N, K]`
    pub fn run(&self, input: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        let dims = self.network.graph.dims_for(shape)?;
        let shapes: Vec<Shape> = dims.iter().map(Dims::image).collect();
        let size: usize = shape.iter().product();
        if size == 0 || !input.len().is_multiple_of(size) {
            return Err(Error::Input { expected: size, found: input.len() });
        }
        let images = input.len() / size;
        let nodes = self.network.graph.nodes();
        let names = self.network.graph.value_names();
        let mut values: Vec<Option<Value>> = vec![None; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            let unknown = || Error::Layer {
                layer: node.name.clone(),
                problem: format!("there is no range of the value `{}`", names[at]),
            };
            let read = |which: usize| values[node.inputs[which]].as_ref().ok_or_else(unknown);
            let of = self.network.grid_of(at).map(integers);
            let [_, h, w] = shapes[at];
            let value = match node.op {
                Op::Input => {
                    let grid = self.network.grids.get(&at).ok_or_else(unknown)?;
                    let integers = input.iter().map(|x| grid.nearest(*x)).collect();
                    Value { integers, of: of.ok_or_else(unknown)?, shape }
                }
                Op::Conv(_) | Op::Linear { .. } => {
                    let (x, layer) = (read(0)?, &self.layers[&node.name]);
                    let conv = match node.op {
                        Op::Linear { inputs, outputs, places: true, .. } => {
                            at_places(x.integers.len() / inputs.max(1), [inputs, outputs])
                        }
                        _ => convolution(&node.op, images, x.shape),
                    };
                    // From an output to the next; those of a place are beside each other.
                    let apart = if matches!(node.op, Op::Linear { .. }) { 1 } else { h * w };
                    let outputs = conv.groups * conv.outputs;
                    let bias = biases(&node.name, &layer.bias, x.of.scale, &layer.scales)?;
                    let sums = sums(&conv, &x.integers, x.of.zero_point, &layer.weights, &bias);
                    if of.is_none() && at + 1 == nodes.len() {
                        let scale = |output: usize| x.of.scale * layer.scales[output % layer.scales.len()];
                        let sums = sums.iter().enumerate();
                        return Ok(sums.map(|(at, sum)| *sum as f32 * scale(at / apart % outputs)).collect());
                    }
                    let of = of.ok_or_else(unknown)?;
                    let integers = Factors::of(&x.of, &layer.scales, &of).requantise(&sums, apart);
                    Value { integers, of, shape: shapes[at] }
                }
                Op::Add => {
                    let (a, b, of) = (read(0)?, read(1)?, of.ok_or_else(unknown)?);
                    if dims[node.inputs[0]] != dims[node.inputs[1]] {
                        let problem = "summands of one shape are added as integers".into();
                        return Err(Error::Layer { layer: node.name.clone(), problem });
                    }
                    let integers = add([&a.integers, &b.integers], [&a.of, &b.of], &of);
                    Value { integers, of, shape: shapes[at] }
                }
                Op::Concat { .. } => {
                    let of = of.ok_or_else(unknown)?;
                    let read: Result<Vec<&Value>, Error> = (0..node.inputs.len()).map(read).collect();
                    Value { integers: joined(&read?, images, &of), of, shape: shapes[at] }
                }
                Op::GlobalAvgPool => {
                    let (x, of) = (read(0)?, of.ok_or_else(unknown)?);
                    Value {
                        integers: mean(&x.integers, x.shape[1] * x.shape[2], &x.of, &of),
                        of,
                        shape: shapes[at],
                    }
                }
                Op::AvgPool(pool) => {
                    let (x, of) = (read(0)?, of.ok_or_else(unknown)?);
                    let kernel = pool.window.kernel.h;
                    let integers = means(&x.integers, [x.shape[1], x.shape[2]], kernel, &x.of, &of);
                    Value { integers, of, shape: shapes[at] }
                }
                Op::MaxPool(Window { kernel, stride, padding, .. }) => {
                    let x = read(0)?;
                    let side = [x.shape[1], x.shape[2]];
                    let window = [kernel.hw(), stride.hw(), [padding.top, padding.left]];
                    let integers = largest(&x.integers, side, window, [h, w]);
                    Value { integers, of: x.of, shape: shapes[at] }
                }
                Op::Subsample { stride, .. } => subsample(read(0)?, stride, shapes[at]),
                Op::Activation(activation) => {
                    let x = read(0)?;
                    let one = |q: &i32| match self.network.grids.get(&at) {
                        // Of numbers, as integers of its own grid.
                        Some(grid) if is_by_table(&node.op) || integers(grid) != x.of => {
                            let number = (q - x.of.zero_point) as f32 * x.of.scale;
                            grid.nearest(curve(activation).of(number))
                        }
                        _ => match activation {
                            Activation::Relu6 => x.of.rectified().at_most(6.0).clamp(*q),
                            _ => x.of.rectified().clamp(*q),
                        },
                    };
                    let of = self.network.grids.get(&at).map_or(x.of, integers);
                    Value { integers: x.integers.iter().map(one).collect(), of, shape: shapes[at] }
                }
                _ => {
                    let x = read(0)?;
                    let integers = moved(&node.op, [&dims[node.inputs[0]], &dims[at]], &x.integers);
                    Value { integers, of: x.of, shape: shapes[at] }
                }
            };
            values[at] = Some(value);
        }
        // Of what ends in integers, the numbers that they stand for.
        let last = values.pop().flatten();
        let number = |last: &Value, q: &i32| (q - last.of.zero_point) as f32 * last.of.scale;
        Ok(last.map_or_else(Vec::new, |last| last.integers.iter().map(|q| number(&last, q)).collect()))
    }
}

/// Whether an operation is computed here.
fn is_known(op: &Op) -> bool {
    match op {
        Op::Conv(spec) => {
            spec.transposed.is_none() && spec.spatial == 2 && spec.padding.symmetric().is_some()
        }
        Op::AvgPool(pool) => {
            pool.window.kernel.square().is_some_and(|kernel| *pool == AvgPool::touching(kernel))
        }
        Op::MaxPool(window) => window.dilation.hw() == [1, 1],
        Op::Concat { axis } => *axis == 1,
        Op::Input | Op::Linear { .. } | Op::Add | Op::GlobalAvgPool | Op::Flatten | Op::Subsample { .. } => {
            true
        }
        Op::Activation(_) => true,
        _ => false,
    }
}

/// Whether an operation gives integers of a grid of its own.
fn has_own_grid(op: &Op) -> bool {
    !op.is_carrier() && (is_by_table(op) || !matches!(op, Op::Activation(_)))
}

/// Whether an operation is a function of numbers that is not a bound of them.
fn is_by_table(op: &Op) -> bool {
    matches!(op, Op::Activation(activation) if !matches!(activation, Activation::Relu | Activation::Relu6))
}

/// A linear layer at each of these places.
fn at_places(places: usize, [inputs, outputs]: [usize; 2]) -> Convolution {
    let one = [1, 1];
    Convolution {
        images: places,
        groups: 1,
        inputs,
        outputs,
        input: one,
        kernel: one,
        stride: one,
        padding: [0, 0],
        dilation: one,
    }
}

/// A layer as a convolution: a linear one is one of a single pixel.
fn convolution(op: &Op, images: usize, [c, h, w]: Shape) -> Convolution {
    let mut conv = Convolution {
        images,
        groups: 1,
        inputs: c,
        outputs: 1,
        input: [h, w],
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
    };
    match *op {
        Op::Conv(spec) => {
            conv.groups = spec.groups;
            (conv.inputs, conv.outputs) = (c / spec.groups, spec.outputs / spec.groups);
            (conv.kernel, conv.stride) = (spec.kernel.hw(), spec.stride.hw());
            (conv.padding, conv.dilation) = ([spec.padding.top, spec.padding.left], spec.dilation.hw());
        }
        Op::Linear { outputs, .. } => {
            (conv.inputs, conv.input, conv.outputs) = (c * h * w, [1, 1], outputs);
        }
        _ => {}
    }
    conv
}

/// Values behind each other, image by image, on one grid.
fn joined(values: &[&Value], images: usize, of: &Integers) -> Vec<i32> {
    let moved: Vec<Vec<i32>> =
        values.iter().map(|value| requantised(&value.integers, &value.of, of)).collect();
    let image = |number: usize| {
        let part = move |all: &Vec<i32>| {
            let size = all.len() / images.max(1);
            all[number * size..][..size].to_vec()
        };
        moved.iter().flat_map(part).collect::<Vec<i32>>()
    };
    (0..images).flat_map(image).collect()
}

/// Every `stride`-th pixel; new channels stand for 0, half of them in front.
fn subsample(x: &Value, stride: usize, shape: Shape) -> Value {
    let ([c, h, w], [outputs, oh, ow]) = (x.shape, shape);
    let front = (outputs - c) / 2;
    let mut integers = Vec::new();
    for image in x.integers.chunks_exact((c * h * w).max(1)) {
        for output in 0..outputs {
            let plane = output.checked_sub(front).filter(|channel| *channel < c);
            let pixel = |at: usize| match plane {
                Some(channel) => image[channel * h * w + at / ow * stride * w + at % ow * stride],
                None => x.of.zero_point,
            };
            integers.extend((0..oh * ow).map(pixel));
        }
    }
    Value { integers, of: x.of, shape }
}
