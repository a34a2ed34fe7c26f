//! Values in other places, orders and sizes.

use sapwood_graph::{Pad, PadMode, Slice};
use sapwood_kernels::infer::Function;

use super::{
    arithmetic::of,
    lists::{along, steps, sums},
};
use crate::lower::opposite;

/// Picks for each number the one that the table names.
pub(super) fn picked(table: Vec<usize>) -> Function {
    let run = run(&table);
    if run < 2 {
        return of(move |from, to| to.iter_mut().zip(&table).for_each(|(to, at)| *to = from[0][*at]));
    }
    let begins: Vec<usize> = table.into_iter().step_by(run).collect();
    of(move |from, to| {
        for (to, &at) in to.chunks_exact_mut(run).zip(&begins) {
            to.copy_from_slice(&from[0][at..][..run]);
        }
    })
}

/// How many of a table's places always lie one behind the other.
fn run(table: &[usize]) -> usize {
    let breaks = (1..table.len()).filter(|at| table[*at] != table[at - 1] + 1);
    breaks.fold(table.len(), greatest_common_divisor)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Picks the numbers at these places of each dimension.
fn places(sizes: &[usize], of: impl Fn(usize) -> Vec<usize>) -> Function {
    let steps = steps(sizes);
    let list = |dim: usize| of(dim).into_iter().map(|at| at * steps[dim]).collect();
    picked(sums(&(0..sizes.len()).map(list).collect::<Vec<Vec<usize>>>()))
}

pub(super) fn slice(sizes: &[usize], Slice { axis, start, length, step }: Slice) -> Function {
    places(sizes, |dim| match dim == axis {
        true => (0..length).map(|at| start + at * step).collect(),
        false => along(sizes[dim], 1),
    })
}

pub(super) fn transpose(sizes: &[usize], order: &[usize]) -> Function {
    let steps = steps(sizes);
    picked(sums(&order.iter().map(|&dim| along(sizes[dim], steps[dim])).collect::<Vec<_>>()))
}

/// Adds rows and columns of the opposite edges on every side, and to a sequence on both sides.
pub(super) fn wrap(sizes: &[usize], padding: usize) -> Function {
    places(sizes, |dim| match dim < 2 {
        true => along(sizes[dim], 1),
        false => (0..sizes[dim] + 2 * padding).map(|at| opposite(at, sizes[dim], padding)).collect(),
    })
}

pub(super) fn pad(sizes: &[usize], Pad { before, after, with }: &Pad) -> Function {
    let larger: Vec<usize> = (0..sizes.len()).map(|dim| before[dim] + sizes[dim] + after[dim]).collect();
    if let PadMode::Constant(value) = *with {
        // Where each number goes.
        let steps = steps(&larger);
        let list = |dim: usize| (0..sizes[dim]).map(|at| (before[dim] + at) * steps[dim]).collect();
        let table = sums(&(0..sizes.len()).map(list).collect::<Vec<Vec<usize>>>());
        return of(move |from, to| {
            to.fill(value as f32);
            table.iter().zip(from[0]).for_each(|(at, x)| to[*at] = *x);
        });
    }
    places(sizes, |dim| {
        let last = sizes[dim] as isize - 1;
        let place = |at: usize| {
            let at = at as isize - before[dim] as isize;
            let place = match with {
                PadMode::Reflect if at < 0 => -at,
                PadMode::Reflect if last < at => 2 * last - at,
                PadMode::Wrap => at.rem_euclid(last + 1),
                _ => at.clamp(0, last),
            };
            place as usize
        };
        (0..larger[dim]).map(place).collect()
    })
}

/// Joins values, of which each gives its size in turn.
pub(super) fn concat(sizes: Vec<usize>) -> Function {
    let all: usize = sizes.iter().sum();
    of(move |from, to| {
        for (number, mut to) in to.chunks_mut(all).enumerate() {
            for (from, &size) in from.iter().zip(&sizes) {
                let (own, rest) = to.split_at_mut(size);
                own.copy_from_slice(&from[number * size..][..size]);
                to = rest;
            }
        }
    })
}
