//! Functions of single values, of two, and of many.

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use sapwood_core::{Binary, Reduction, Unary};

use super::moves::{expand, transpose};
use crate::value::{Held, Value, ranked};

pub(crate) fn unary<const D: usize>(x: Tensor<D>, function: Unary) -> Tensor<D> {
    match function {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Erf => x.erf(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
    }
}

/// The sum of two values, by the rules of broadcasting.
pub(crate) fn add(a: Value, b: Value) -> Value {
    both(a, b, None)
}

/// Another function of two values, by the rules of broadcasting.
pub(crate) fn binary(a: Value, b: Value, function: Binary) -> Value {
    both(a, b, Some(function))
}

/// A function of two values, or their sum.
fn both(a: Value, b: Value, function: Option<Binary>) -> Value {
    let (a, b) = broadcast(a.of_numbers(), b.of_numbers());
    match (a.0, b.0) {
        (Held::One(a), Held::One(b)) => of_two(a, b, function).into(),
        (Held::Two(a), Held::Two(b)) => of_two(a, b, function).into(),
        (Held::Three(a), Held::Three(b)) => of_two(a, b, function).into(),
        (Held::Four(a), Held::Four(b)) => of_two(a, b, function).into(),
        (Held::Five(a), Held::Five(b)) => of_two(a, b, function).into(),
        (Held::Six(a), Held::Six(b)) => of_two(a, b, function).into(),
        // Both have the rank to which they were broadcast.
        (a, _) => Value(a),
    }
}

fn of_two<const D: usize>(a: Tensor<D>, b: Tensor<D>, function: Option<Binary>) -> Tensor<D> {
    match function {
        None => a + b,
        Some(Binary::Sub) => a - b,
        Some(Binary::Mul) => a * b,
        Some(Binary::Div) => a / b,
        Some(Binary::Pow) => a.powf(b),
        Some(Binary::Max) => a.max_pair(b),
        Some(Binary::Min) => a.min_pair(b),
    }
}

/// Both in the shape of what their function gives.
fn broadcast(a: Value, b: Value) -> (Value, Value) {
    if a.dims() == b.dims() {
        return (a, b);
    }
    let shape = joint(&a.dims(), &b.dims());
    (expand(a, &shape), expand(b, &shape))
}

/// The sizes of what two shapes are broadcast to.
fn joint(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let of = |sizes: &[usize], dim: usize| (dim + sizes.len()).checked_sub(rank).map_or(1, |at| sizes[at]);
    (0..rank).map(|dim| if of(a, dim) == 1 { of(b, dim) } else { of(a, dim) }).collect()
}

/// A figure over some dimensions.
pub(crate) fn reduce(x: Value, to: Reduction, axes: &[usize], keep: bool) -> Value {
    let sizes = x.dims();
    let left: Vec<usize> = (0..sizes.len()).filter(|dim| !axes.contains(dim)).collect();
    let gone: Vec<usize> = (0..sizes.len()).filter(|dim| axes.contains(dim)).collect();
    let product = |dims: &[usize]| dims.iter().map(|dim| sizes[*dim]).product::<usize>();
    let (rows, each) = (product(&left), product(&gone));
    let x: Tensor<2> = transpose(x, &[&left[..], &gone].concat()).into_rank([rows, each]);
    let y = match to {
        Reduction::Sum => ordered::sum_last(x),
        Reduction::Mean => ordered::sum_last(x) / each as f64,
        Reduction::Max => x.max_dim(1),
        Reduction::Min => x.min_dim(1),
        Reduction::L2 => root(ordered::sum_last(x.clone() * x)),
    };
    let sizes: Vec<usize> = match keep {
        true => (0..sizes.len()).map(|dim| if axes.contains(&dim) { 1 } else { sizes[dim] }).collect(),
        false => left.iter().map(|dim| sizes[*dim]).collect(),
    };
    Value::from(y).reshaped(&sizes)
}

/// The square root, whose gradient at zero is taken as zero.
fn root(x: Tensor<2>) -> Tensor<2> {
    let zero = x.clone().equal_scalar(0.0);
    x.mask_fill(zero.clone(), 1.0).sqrt().mask_fill(zero, 0.0)
}

/// The softmax over a dimension, or its logarithm.
pub(crate) fn softmax(x: Value, axis: usize, log: bool) -> Value {
    let mut order: Vec<usize> = (0..x.rank()).collect();
    let last = order.len() - 1;
    order.swap(axis, last);
    let x = transpose(x, &order);
    let y = match log {
        true => ranked!(x, x => ordered::log_softmax(x)),
        false => ranked!(x, x => ordered::softmax(x)),
    };
    transpose(y, &order)
}

/// The product of matrices, and what stands before them by the rules of broadcasting.
pub(crate) fn matmul(a: Value, b: Value) -> Value {
    let (of_a, of_b) = (a.dims(), b.dims());
    let ([before_a @ .., m, k], [before_b @ .., _, n]) = (&of_a[..], &of_b[..]) else { return a };
    if before_b.is_empty() {
        // One matrix for all: the rows of all are multiplied at once.
        let rows = before_a.iter().product::<usize>() * m;
        let y = ordered::product::<2>(a.into_rank([rows, *k]), b.into_rank([*k, *n]));
        return Value::from(y).reshaped(&[before_a, &[*m, *n]].concat());
    }
    let before = joint(before_a, before_b);
    let count = before.iter().product();
    let a = expand(a, &[&before[..], &[*m, *k]].concat()).into_rank([count, *m, *k]);
    let b = expand(b, &[&before[..], &[*k, *n]].concat()).into_rank([count, *k, *n]);
    Value::from(ordered::product::<3>(a, b)).reshaped(&[&before[..], &[*m, *n]].concat())
}
