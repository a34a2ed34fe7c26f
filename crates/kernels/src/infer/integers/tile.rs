//! Sums of bytes times weights: what a layer spends its time on.

use super::{steps::Steps, whole::Whole};
use crate::infer::{lanes::all, tile::ahead};

/// `sums[o][p] = bias[o] + sum over k of weights[k][o] * x[k + pixels[p]]`, where `k` goes through all steps, an output
/// is a register's lanes, and a product is that of two quads.
///
/// # Safety
/// The machine must have the registers; there must be a quad of each output for each step, a bias of each output, and
/// an input at each pixel.
#[inline(always)]
pub(crate) unsafe fn sums<V: Whole, const O: usize, const P: usize>(
    weights: *const i32,
    bias: *const i32,
    steps: &Steps,
    x: *const i32,
    pixels: &[usize; P],
) -> [[V; P]; O] {
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0);
        let mut sums = [[zero; P]; O];
        all!(8: O, o => {
            let bias = V::load(bias.add(o * V::LANES));
            all!(28: P, p => {
                sums[o][p] = bias;
            });
        });
        let mut weights = weights;
        for &[first, count] in &steps.runs {
            let mut from = x.add(first as usize);
            let end = from.add(count as usize);
            while from != end {
                step(&mut sums, weights, from, pixels);
                weights = weights.add(O * V::LANES);
                from = from.add(1);
            }
        }
        if V::SATURATES {
            for &at in &steps.again {
                step(&mut sums, weights, x.add(at as usize), pixels);
                weights = weights.add(O * V::LANES);
            }
        }
        sums
    }
}

/// The products of one quad of each pixel.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
unsafe fn step<V: Whole, const O: usize, const P: usize>(
    sums: &mut [[V; P]; O],
    weights: *const i32,
    from: *const i32,
    pixels: &[usize; P],
) {
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0);
        all!(8: O, o => {
            ahead(weights.wrapping_add(AHEAD + o * V::LANES).cast());
        });
        // What there is less of is loaded first, and kept.
        if P < O {
            let mut inputs = [zero; P];
            all!(28: P, p => {
                inputs[p] = V::splat(*from.add(pixels[p]));
            });
            all!(8: O, o => {
                let weight = V::load(weights.add(o * V::LANES));
                all!(28: P, p => {
                    sums[o][p] = sums[o][p].dot(inputs[p], weight);
                });
            });
        } else {
            let mut of_outputs = [zero; O];
            all!(8: O, o => {
                of_outputs[o] = V::load(weights.add(o * V::LANES));
            });
            all!(28: P, p => {
                let input = V::splat(*from.add(pixels[p]));
                all!(8: O, o => {
                    sums[o][p] = sums[o][p].dot(input, of_outputs[o]);
                });
            });
        }
    }
}

/// How far ahead weights are asked for, in quads.
const AHEAD: usize = 512;
