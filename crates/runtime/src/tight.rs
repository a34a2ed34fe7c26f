//! Operations with kernels for values in any dimensions, between whose numbers there is nothing.

use sapwood_graph::{Dims, Op};
use sapwood_kernels::infer::{Lines, Matrices, OfLine};

use crate::{
    Error,
    layer::Kind,
    plain::{Values, lists::broadcast},
};

/// How such an operation's value comes about; none where it is another one.
pub(crate) fn tight<'a>(
    op: &Op,
    inputs: &[&Dims],
    found: &Dims,
    values: Values<'_, 'a>,
) -> Result<Option<Kind<'a>>, Error> {
    let x = inputs.first().map_or(&[][..], |dims| dims.sizes());
    let lines = |axis: usize| Lines { length: x[axis], step: x[axis + 1..].iter().product() };
    Ok(Some(match *op {
        Op::LayerNorm { channels, epsilon, last } => {
            let axis = if last || x.len() <= 2 { x.len() - 1 } else { 1 };
            let [weight, bias] = ["weight", "bias"].map(|name| values(name, &[channels]));
            let of = OfLine::Norm {
                weight: weight?.into_owned(),
                bias: bias?.into_owned(),
                epsilon: epsilon as f32,
            };
            Kind::Line(lines(axis), of)
        }
        Op::Softmax { axis, log } => {
            Kind::Line(lines(axis), if log { OfLine::LogSoftmax } else { OfLine::Softmax })
        }
        Op::MatMul => Kind::Product(matrices([x, inputs[1].sizes()], found.sizes())),
        Op::Attention { heads } => Kind::Attention(heads, [0; 3]),
        _ => return Ok(None),
    }))
}

/// Products of the matrices that are the last two dimensions, by the rules of broadcasting in those before them.
fn matrices([a, b]: [&[usize]; 2], to: &[usize]) -> Matrices {
    let (before, [rows, columns]) = (&to[..to.len() - 2], [to[to.len() - 2], to[to.len() - 1]]);
    let inner = a[a.len() - 1];
    let begins = |sizes: &[usize]| {
        let (own, matrix) = sizes.split_at(sizes.len() - 2);
        let numbers: usize = matrix.iter().product();
        broadcast(own, before).into_iter().map(move |at| at * numbers)
    };
    let begins = begins(a).zip(begins(b)).map(|(a, b)| [a, b]).collect();
    Matrices { rows, inner, columns, steps: [inner, 1], begins, factor: 1.0 }
}
