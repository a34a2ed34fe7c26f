//! Planes out of shifted planes.
//!
//! `out[t][y][x] = sum over k of w[t][k] * source[plane_k][y + dy_k][x + dx_k]`,
//! with zeros outside: what a convolution, and each phase of its input gradient,
//! comes down to.

use std::{borrow::Cow, mem::MaybeUninit};

use rayon::prelude::*;

use super::{
    Level,
    number::Number,
    rows::{Begin, OUTPUTS, Order, Position, Sum},
};

/// The number of weighted rows that are summed before their sums leave the registers for
/// good; more of them would not stay in the nearest cache.
const CHUNK: usize = 256;

/// How work is spread over threads. The values do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Not at all: others work on other images.
    Alone,
    /// Over blocks of outputs: there are fewer images than threads.
    Outputs,
}

/// Rows to be summed.
pub(crate) struct Rows<'a, T> {
    /// Where each row begins.
    pub(crate) starts: &'a [usize],
    /// The planes.
    pub(crate) data: &'a [T],
    /// The vectors of the rows that are wanted.
    pub(crate) positions: &'a [Position],
}

impl<T: Number> Rows<'_, T> {
    /// Sums the rows into output planes, `pitch` from one to the next, with the
    /// weights that [`pack`] made, or as they lie, and a bias for each; `spread` over threads, where
    /// nothing else is.
    pub(crate) fn sum(
        &self,
        level: Level,
        weights: &Weights<'_, T>,
        bias: Option<&[T]>,
        (out, pitch): (&mut [MaybeUninit<T>], usize),
        spread: Spread,
    ) {
        if self.positions.is_empty() {
            return;
        }
        let (taps, together, outputs) = (self.starts.len(), together(weights.outputs), weights.outputs);
        let sum = |first: usize, outputs: usize, out: &mut [MaybeUninit<T>]| {
            // All outputs of a chunk, while its rows are in the cache.
            for chunk in (0..taps.max(1)).step_by(CHUNK) {
                let begin = match (chunk, bias) {
                    (0, None) => Begin::Zero,
                    (0, Some(bias)) => Begin::With(&bias[first..]),
                    _ => Begin::Sums,
                };
                let (from, order) = match weights.is_packed {
                    true => (chunk * together, Order::Blocks(taps * together)),
                    false => (chunk, Order::Outputs(taps)),
                };
                let sum = Sum {
                    weights: &weights.values[first * taps + from..],
                    order,
                    together,
                    starts: &self.starts[chunk..taps.min(chunk + CHUNK)],
                    data: self.data,
                    positions: self.positions,
                    begin,
                    outputs,
                    pitch,
                };
                sum.write(level, out);
            }
        };
        match spread {
            Spread::Alone => sum(0, outputs, out),
            Spread::Outputs => {
                let blocks = out.par_chunks_mut(together * pitch).enumerate();
                blocks.for_each(|(block, out)| {
                    let first = block * together;
                    sum(first, together.min(outputs.saturating_sub(first)), out);
                });
            }
        }
    }
}

/// The weights of each output and tap.
pub(crate) struct Weights<'a, T: Clone> {
    values: Cow<'a, [T]>,
    outputs: usize,
    /// Whether they lie in the order in which they are used.
    is_packed: bool,
}

/// Outputs that are summed together: a single one is summed alone.
fn together(outputs: usize) -> usize {
    if outputs == 1 { 1 } else { OUTPUTS }
}

/// Packs the weight of each output and tap into blocks of outputs, the last one filled up with
/// zeros.
pub(crate) fn pack<T: Number>(
    outputs: usize,
    taps: usize,
    weight: impl Fn(usize, usize) -> T,
) -> Weights<'static, T> {
    let together = together(outputs);
    let mut values = vec![T::ZERO; outputs.next_multiple_of(together) * taps];
    for o in 0..outputs {
        let block = &mut values[o / together * together * taps..];
        for k in 0..taps {
            block[k * together + o % together] = weight(o, k);
        }
    }
    Weights { values: values.into(), outputs, is_packed: true }
}

/// Weights `[outputs, taps]` as they lie: packing them takes longer than using them once.
pub(crate) fn plain<T: Number>(outputs: usize, weights: &[T]) -> Weights<'_, T> {
    Weights { values: weights.into(), outputs, is_packed: false }
}
