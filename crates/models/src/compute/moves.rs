//! Values in other places, orders and sizes.

use burn::tensor::{
    Slice as Places, Tensor,
    module::max_pool2d,
    ops::{MaxPoolOptions, PadMode as With},
};
use sapwood_backend::ordered;
use sapwood_core::{Pad, PadMode, Slice};

use crate::value::{Value, ranked};

/// The dimensions in another order.
pub(crate) fn transpose(x: Value, order: &[usize]) -> Value {
    match order.is_sorted() {
        true => x,
        false => ranked!(x, x => permuted(x, order)),
    }
}

fn permuted<const D: usize>(x: Tensor<D>, order: &[usize]) -> Tensor<D> {
    x.permute::<usize>(std::array::from_fn(|dim| order[dim]))
}

/// A value in a larger shape, by the rules of broadcasting.
pub(crate) fn expand(x: Value, shape: &[usize]) -> Value {
    let mut sizes = vec![1; shape.len().saturating_sub(x.rank())];
    sizes.extend(x.dims());
    let x = x.reshaped(&sizes);
    ranked!(x, x => expanded(x, shape))
}

fn expanded<const D: usize>(x: Tensor<D>, shape: &[usize]) -> Tensor<D> {
    let sizes = x.dims();
    ordered::expand(x, std::array::from_fn(|dim| if sizes[dim] == 1 { shape[dim] } else { sizes[dim] }))
}

/// Values one behind the other in a dimension.
pub(crate) fn concat(first: Value, others: impl Iterator<Item = Value>, axis: usize) -> Value {
    let others: Vec<Value> = others.collect();
    ranked!(first, x => cat(x, others, axis))
}

fn cat<const D: usize>(first: Tensor<D>, others: Vec<Value>, axis: usize) -> Tensor<D>
where
    Tensor<D>: TryFrom<Value>,
{
    // All have one rank, as the graph's constructor saw.
    let others = others.into_iter().filter_map(|value| value.of_numbers().try_into().ok());
    Tensor::cat([first].into_iter().chain(others).collect(), axis)
}

/// Some places of a dimension.
pub(crate) fn slice(x: Value, slice: Slice) -> Value {
    let Slice { axis, start, length, step } = slice;
    if step == 1 {
        return ranked!(x, x => x.narrow(axis, start, length));
    }
    let end = start + (length - 1) * step + 1;
    let places = Places::new(start as isize, Some(end as isize), step as isize);
    ranked!(x, x => x.slice_dim(axis, places))
}

/// Values around each dimension.
pub(crate) fn pad(x: Value, pad: &Pad) -> Value {
    let around: Vec<(usize, usize)> = pad.before.iter().copied().zip(pad.after.iter().copied()).collect();
    if let PadMode::Constant(value) = pad.with {
        return ranked!(x, x => x.pad(&around[..], With::Constant(value as f32)));
    }
    around
        .into_iter()
        .enumerate()
        .filter(|(_, around)| *around != (0, 0))
        .fold(x, |x, (dim, around)| ranked!(x, x => with_edges(x, dim, around, pad.with)))
}

/// A dimension between what its own values give for both sides.
fn with_edges<const D: usize>(
    x: Tensor<D>,
    dim: usize,
    (before, after): (usize, usize),
    with: PadMode,
) -> Tensor<D> {
    let size = x.dims()[dim];
    let cut = |start: usize, length: usize| x.clone().narrow(dim, start, length);
    let repeated = |at: usize, times: usize| {
        let mut shape = x.dims();
        shape[dim] = times;
        ordered::expand(cut(at, 1), shape)
    };
    let side = |count: usize, is_first: bool| match (with, is_first) {
        (PadMode::Reflect, true) => cut(1, count).flip([dim]),
        (PadMode::Reflect, false) => cut(size - 1 - count, count).flip([dim]),
        (PadMode::Wrap, true) => cut(size - count, count),
        (PadMode::Wrap, false) => cut(0, count),
        (_, true) => repeated(0, count),
        (_, false) => repeated(size - 1, count),
    };
    let first = (0 < before).then(|| side(before, true));
    let last = (0 < after).then(|| side(after, false));
    Tensor::cat(first.into_iter().chain([x.clone()]).chain(last).collect(), dim)
}

/// What lies at the opposite edges, on every side of each plane; of a sequence on both sides.
pub(crate) fn wrap(x: Value, padding: usize) -> Value {
    if padding == 0 {
        return x;
    }
    let last = x.rank() - 1;
    (2..=last).fold(x, |x, dim| ranked!(x, x => with_edges(x, dim, (padding, padding), PadMode::Wrap)))
}

/// Every `stride`-th pixel; the new channels are zero, half of them in front.
pub(crate) fn subsample(x: Tensor<4>, stride: usize, channels: usize) -> Tensor<4> {
    // A window of one pixel picks what strided slicing would, and has a fast
    // backward pass everywhere.
    let x = max_pool2d(x, MaxPoolOptions::new([1, 1]).with_stride([stride; 2]));
    let [n, c, h, w] = x.dims();
    let front = channels.saturating_sub(c) / 2;
    let zeros = |count: usize| Tensor::zeros([n, count, h, w], (&x.device(), x.dtype()));
    let parts = [zeros(front), x.clone(), zeros(channels - c - front)];
    Tensor::cat(parts.into_iter().filter(|part| part.dims()[1] > 0).collect(), 1)
}
