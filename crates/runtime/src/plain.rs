//! Operations without a kernel: functions of whole images, number by number.
//!
//! They are what few networks do, and little of what these take; `profile` says where they are. A value is that of one
//! image: row by row in the sizes of its dimensions, the batch's among them where it is not the first. Sums are made in
//! f64; but those of a transposed convolution in f32 where they go out.

mod arithmetic;
pub(crate) mod lists;
mod moves;
mod norms;
mod products;
mod resize;
#[cfg(test)]
mod tests;
mod windows;

use std::{borrow::Cow, sync::Arc};

use sapwood_graph::{ConvSpec, Dims, Op};
use sapwood_kernels::infer::Function;

use self::lists::lines;
use crate::{Error, lower::curve};

/// A layer's parameter of this name and shape.
pub(crate) type Values<'a, 's> = &'a dyn Fn(&str, &[usize]) -> Result<Cow<'s, [f32]>, Error>;

/// What an operation makes of its inputs; none where it does not know how.
pub(crate) fn plain(
    op: &Op,
    inputs: &[&Dims],
    found: &Dims,
    values: Values<'_, '_>,
) -> Result<Option<Function>, Error> {
    let x = inputs.first().map_or(&[][..], |dims| dims.sizes());
    let to = found.sizes();
    let owned = |name: &str, shape: &[usize]| values(name, shape).map(Cow::into_owned);
    // Where the batch comes first, what lies behind is one image's.
    let is_first = |dims: &Dims| dims.batch().is_none_or(|batch| batch == 0);
    // Otherwise an image's values are the same ones in the same order where as many dimensions' values lie before the
    // batch's as before: in a dimension of `2n` values the two of an image are beside each other.
    let is_beside = |from: &Dims, to: &Dims| {
        let before = |dims: &Dims| Some(dims.sizes()[..dims.batch()?].iter().product::<usize>());
        before(from).is_some_and(|found| before(to) == Some(found))
    };
    Ok(Some(match *op {
        Op::Conv(spec) if spec.transposed.is_some() => {
            let ConvSpec { outputs, bias, .. } = spec;
            let bias = if bias { owned("bias", &[outputs])? } else { vec![0.0; outputs] };
            windows::transposed(spec, [x, to].map(windows::plane), owned("weight", &spec.weight())?, bias)
        }
        Op::Linear { inputs, outputs, bias, places: true } => {
            let bias = if bias { owned("bias", &[outputs])? } else { vec![0.0; outputs] };
            products::linear(inputs, owned("weight", &[outputs, inputs])?, bias)
        }
        Op::GroupNorm { groups, channels, epsilon } => {
            let of = [owned("weight", &[channels])?, owned("bias", &[channels])?];
            norms::group(groups, x[2..].iter().product(), of, epsilon)
        }
        Op::Position(shape) => {
            let embedding = owned("embedding", &shape)?;
            arithmetic::of(move |from, to| {
                to.iter_mut().zip(from[0]).zip(&embedding).for_each(|((to, x), y)| *to = x + y);
            })
        }
        Op::Prelu { channels } => {
            arithmetic::prelu(owned("weight", &[channels])?, x.iter().skip(2).product())
        }
        Op::MaxPool(window) => windows::largest(window, [x, to].map(windows::plane)),
        Op::Resize(resize) => resize::resize(resize, [x, to].map(windows::plane)),
        Op::Wrap { padding } => moves::wrap(x, padding),
        Op::Pad(pad) => moves::pad(x, &pad),
        Op::Reduce { to, ref axes, .. } => arithmetic::reduce(lines(x, axes), to),
        Op::Flatten | Op::Reshape(_)
            if is_first(inputs[0]) && is_first(found) || is_beside(inputs[0], found) =>
        {
            arithmetic::of(|from, to| to.copy_from_slice(from[0]))
        }
        Op::Transpose { ref order } => moves::transpose(x, order),
        Op::Concat { axis } => {
            let sizes: Vec<usize> = inputs.iter().map(|dims| dims.sizes()[axis..].iter().product()).collect();
            moves::concat(sizes)
        }
        Op::Slice(slice) => moves::slice(x, slice),
        Op::Expand(_) => moves::picked(lists::broadcast(x, to)),
        Op::Add => arithmetic::of_two([x, inputs[1].sizes()], to, |a, b| a + b),
        Op::Binary(function) => arithmetic::binary(function, [x, inputs[1].sizes()], to),
        Op::Activation(activation) => {
            let curve = curve(activation);
            arithmetic::of(move |from, to| {
                to.iter_mut().zip(from[0]).for_each(|(to, x)| *to = curve.of(*x));
            })
        }
        Op::Unary(function) => {
            let of = arithmetic::unary(function);
            arithmetic::of(move |from, to| to.iter_mut().zip(from[0]).for_each(|(to, x)| *to = of(*x)))
        }
        _ => return Ok(None),
    }))
}

/// A linear layer that rounds the rows that it reads; none for another operation.
pub(crate) fn linear_of_rounded(op: &Op, values: Values<'_, '_>) -> Result<Option<Function>, Error> {
    let Op::Linear { inputs, outputs, bias, .. } = *op else { return Ok(None) };
    let bias = if bias { values("bias", &[outputs])?.into_owned() } else { vec![0.0; outputs] };
    Ok(Some(products::linear_of_rounded(inputs, values("weight", &[outputs, inputs])?.into_owned(), bias)))
}

/// What gives the same values for every image.
pub(crate) fn constant(values: Arc<[f32]>) -> Function {
    arithmetic::of(move |_, to| to.copy_from_slice(&values))
}
