//! What each node of a network computes.

use burn::tensor::module::adaptive_avg_pool2d;
use sapwood_backend::{Epilogue, ordered};
use sapwood_core::{Op, Pass};

use super::{Layer, Net};
use crate::{
    compute,
    curve::curve,
    layers::BatchNorm,
    steps::Step,
    value::{Value, ranked},
};

impl Net {
    /// The value of a step, for the values that it reads. None would be a step without these.
    pub(super) fn run(
        &self,
        step: &Step,
        inputs: Vec<Value>,
        examples: usize,
        pass: &mut Pass<'_>,
    ) -> Option<Value> {
        let node = &self.graph.nodes()[step.node];
        let mut inputs = inputs.into_iter();
        if let Layer::Constant(layer) = &self.layers[step.node] {
            return Some(layer.val());
        }
        let (x, mut more) = (inputs.next()?, inputs);
        let rank = x.rank();
        Some(match (&self.layers[step.node], node.op) {
            (layer, Op::Conv(spec)) => {
                let x = pass.show(&node.name, x.images());
                let y = match layer {
                    Layer::Conv1d(layer) => layer.forward(x, spec, self.ops),
                    Layer::Conv2d(layer) => layer.forward(x, spec, self.ops),
                    Layer::ConvTranspose1d(layer) => layer.forward(x, spec, self.ops),
                    Layer::ConvTranspose2d(layer) => layer.forward(x, spec, self.ops),
                    _ => return None,
                };
                Value::of_images(y, rank)
            }
            (Layer::Linear(layer), Op::Linear { inputs, outputs, places: true, .. }) => {
                let mut sizes = x.dims();
                let rows = sizes[..rank - 1].iter().product();
                let x = pass.show(&node.name, x.into_rank([rows, inputs]));
                sizes[rank - 1] = outputs;
                Value::from(layer.forward(x)).reshaped(&sizes)
            }
            (Layer::Linear(layer), _) => layer.forward(pass.show(&node.name, x.rows())).into(),
            (Layer::BatchNorm(layer), Op::BatchNorm { epsilon, momentum, .. }) => {
                let norm = (&node.name[..], epsilon, momentum);
                self.batch_norm(layer, norm, step, x, more.next(), pass)
            }
            (Layer::LayerNorm(layer), Op::LayerNorm { epsilon, last, .. }) => layer.forward(x, epsilon, last),
            (Layer::GroupNorm(layer), Op::GroupNorm { groups, epsilon, .. }) => {
                layer.forward(x, groups, epsilon)
            }
            (Layer::Position(layer), _) => layer.forward(x.images()).into(),
            (Layer::Embedding(layer), Op::Embedding { width, .. }) => {
                let (row, mut sizes) = x.row_of_integers();
                sizes.push(width);
                Value::from(layer.forward(row)).reshaped(&sizes)
            }
            (Layer::Prelu(layer), _) => ranked!(x, x => layer.forward(x)),
            (_, Op::Attention { heads }) => compute::attention([x, more.next()?, more.next()?], heads),
            (_, Op::Activation(activation)) => compute::activate(x, activation, self.ops),
            (_, Op::Softmax { axis, log }) => compute::softmax(x, axis, log),
            (_, Op::MaxPool(window)) => Value::of_images(compute::max_pool(x.images(), window), rank),
            (_, Op::AvgPool(pool)) => Value::of_images(compute::avg_pool(x.images(), pool), rank),
            (_, Op::Resize(resize)) => Value::of_images(compute::resize(x.images(), resize), rank),
            (_, Op::Wrap { padding }) => compute::wrap(x, padding),
            (_, Op::Pad(pad)) => compute::pad(x, &pad),
            (_, Op::GlobalAvgPool) => Value::of_images(adaptive_avg_pool2d(x.images(), [1, 1]), rank),
            (_, Op::Reduce { to, axes, keep }) => compute::reduce(x, to, &axes, keep),
            (_, Op::Flatten) => x.rows().into(),
            (_, Op::Reshape(to)) => x.reshaped(&to.at(examples)),
            (_, Op::Transpose { order }) => compute::transpose(x, &order),
            (_, Op::Concat { axis }) => compute::concat(x, more, axis),
            (_, Op::Slice(slice)) => compute::slice(x, slice),
            (_, Op::Expand(to)) => compute::expand(x, &to.at(examples)),
            (_, Op::Add) => compute::add(x, more.next()?),
            (_, Op::Binary(function)) => compute::binary(x, more.next()?, function),
            (_, Op::Unary(function)) => ranked!(x, x => compute::unary(x, function)),
            (_, Op::Scale) => {
                let sizes = x.dims();
                Value::from(ordered::scale(x.images(), more.next()?.images())).reshaped(&sizes)
            }
            (_, Op::MatMul) => compute::matmul(x, more.next()?),
            (_, Op::Subsample { stride, channels }) => {
                Value::of_images(compute::subsample(x.images(), stride, channels), rank)
            }
            // A layer is made for each operation that has parameters, and an input is no step.
            _ => return None,
        })
    }

    /// A normalisation with what the step does behind it.
    fn batch_norm(
        &self,
        layer: &BatchNorm,
        norm: (&str, f64, f64),
        step: &Step,
        x: Value,
        residual: Option<Value>,
        pass: &mut Pass<'_>,
    ) -> Value {
        let sizes = x.dims();
        let curved = step.activation.and_then(curve);
        // What is added in another shape is added afterwards, and only then bent.
        let (residual, broadcast) = match residual {
            Some(residual) if residual.dims() != sizes => (None, Some(residual)),
            residual => (residual, None),
        };
        let activation = curved.filter(|_| broadcast.is_none());
        let epilogue = Epilogue { residual: residual.map(Value::images), activation };
        let y = Value::from(layer.forward(x.images(), norm, epilogue, self.ops, pass)).reshaped(&sizes);
        let Some(other) = broadcast else { return y };
        let sum = compute::add(y, other);
        match step.activation {
            Some(activation) => compute::activate(sum, activation, self.ops),
            None => sum,
        }
    }
}
