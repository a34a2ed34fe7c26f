//! Functions of single numbers, of two, and of many.

use std::sync::Arc;

use sapwood_graph::{Binary, Reduction, Unary};
use sapwood_kernels::infer::Function;

use super::lists::{Lines, broadcast};

/// Makes of a function what kernels are given.
pub(super) fn of(function: impl Fn(&[&[f32]], &mut [f32]) + Send + Sync + 'static) -> Function {
    Arc::new(function)
}

/// The function is computed in f64 where platforms differ in it, by one library on all.
pub(super) fn unary(function: Unary) -> fn(f32) -> f32 {
    macro_rules! wide {
        ($of:path) => {
            |x| $of(f64::from(x)) as f32
        };
    }
    match function {
        Unary::Neg => |x| -x,
        Unary::Abs => f32::abs,
        Unary::Exp => wide!(libm::exp),
        Unary::Log => wide!(libm::log),
        Unary::Sqrt => f32::sqrt,
        Unary::Reciprocal => f32::recip,
        Unary::Erf => wide!(libm::erf),
        Unary::Floor => f32::floor,
        Unary::Ceil => f32::ceil,
        Unary::Sin => wide!(libm::sin),
        Unary::Cos => wide!(libm::cos),
    }
}

/// Gives the larger one; what is not a number stays so, other than by [`f64::max`].
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// Gives the smaller one; what is not a number stays so.
fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

/// Applies it to two values, by the rules of broadcasting. What is often there is known when this is compiled.
pub(super) fn binary(function: Binary, sizes: [&[usize]; 2], to: &[usize]) -> Function {
    match function {
        Binary::Sub => of_two(sizes, to, |a, b| a - b),
        Binary::Mul => of_two(sizes, to, |a, b| a * b),
        Binary::Div => of_two(sizes, to, |a, b| a / b),
        Binary::Pow => of_two(sizes, to, |a, b| libm::pow(f64::from(a), f64::from(b)) as f32),
        Binary::Max => of_two(sizes, to, |a, b| larger(a.into(), b.into()) as f32),
        Binary::Min => of_two(sizes, to, |a, b| smaller(a.into(), b.into()) as f32),
    }
}

/// Leaves out the dimensions of one place in front.
fn without_ones(sizes: &[usize]) -> &[usize] {
    let ones = sizes.iter().take_while(|size| **size == 1).count();
    &sizes[ones..]
}

/// Applies a function to two values, by the rules of broadcasting.
pub(super) fn of_two(
    sizes: [&[usize]; 2],
    to: &[usize],
    function: impl Fn(f32, f32) -> f32 + Copy + Send + Sync + 'static,
) -> Function {
    let [is_one, is_all] =
        [1, to.iter().product()].map(|count| sizes.map(|own| own.iter().product::<usize>() == count));
    match (is_all, is_one) {
        ([true, true], _) => {
            return of(move |from, to| {
                to.iter_mut().zip(from[0]).zip(from[1]).for_each(|((to, a), b)| *to = function(*a, *b));
            });
        }
        ([true, _], [_, true]) => {
            return of(move |from, to| {
                let b = from[1][0];
                to.iter_mut().zip(from[0]).for_each(|(to, a)| *to = function(*a, b));
            });
        }
        // The same numbers for each of the places in front.
        ([true, _], _) if to.ends_with(without_ones(sizes[1])) => {
            return of(move |from, to| {
                let b = from[1];
                for (to, a) in to.chunks_exact_mut(b.len()).zip(from[0].chunks_exact(b.len())) {
                    to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = function(*a, *b));
                }
            });
        }
        _ => {}
    }
    let tables = sizes.map(|sizes| broadcast(sizes, to));
    of(move |from, to| {
        let [a, b] = &tables;
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            *to = function(from[0][*a], from[1][*b]);
        }
    })
}

/// Gives `max(x, 0) + a min(x, 0)`, where each channel, which has `places`, has an `a`, or all have one.
pub(super) fn prelu(slopes: Vec<f32>, places: usize) -> Function {
    of(move |from, to| {
        for (at, (to, x)) in to.iter_mut().zip(from[0]).enumerate() {
            *to = if *x > 0.0 { *x } else { slopes[at / places % slopes.len()] * x };
        }
    })
}

/// Gives a figure of each line.
pub(super) fn reduce(lines: Lines, figure: Reduction) -> Function {
    of(move |from, to| {
        for (to, (_, line)) in to.iter_mut().zip(lines.of(from[0])) {
            let all = match figure {
                Reduction::Sum => line.sum(),
                Reduction::Mean => line.sum::<f64>() / lines.each.len() as f64,
                Reduction::Max => line.fold(f64::NEG_INFINITY, larger),
                Reduction::Min => line.fold(f64::INFINITY, smaller),
                Reduction::L2 => line.map(|x| x * x).sum::<f64>().sqrt(),
            };
            *to = all as f32;
        }
    })
}
