//! Sums of bytes times weights: what a layer spends its time on.

use super::{steps::Piece, whole::Whole};
use crate::infer::{lanes::all, tile::ahead};

/// Sums that nothing was added to yet: `sums[o][p] = bias[o]`, where an output is a register's lanes.
///
/// # Safety
/// The machine must have the registers, and there must be a bias of each output.
#[inline(always)]
pub(crate) unsafe fn begin<V: Whole, const O: usize, const P: usize>(bias: *const i32) -> [[V; P]; O] {
    // SAFETY: the caller's.
    std::array::from_fn(|o| unsafe { [V::load(bias.add(o * V::LANES)); P] })
}

/// `sums[o][p] + sum over k of weights[k][o] * x[k + pixels[p]]`, where `k` goes through all steps, and a product is
/// that of two quads. With each step a register of the weights that are needed next is asked for. Sums are handed in and
/// out, since those that somebody has the address of would be written down after each run.
///
/// # Safety
/// The machine must have the registers; there must be a quad of each output for each step, and an input at each pixel.
#[inline(always)]
pub(crate) unsafe fn add<V: Whole, const O: usize, const P: usize>(
    mut sums: [[V; P]; O],
    [weights, next]: [*const i32; 2],
    piece: &Piece,
    x: *const i32,
    pixels: &[usize; P],
) -> [[V; P]; O] {
    let (mut weights, mut next) = (weights, next);
    // SAFETY (all): the caller's.
    unsafe {
        for &[first, count] in &piece.runs {
            let mut from = x.add(first as usize);
            let end = from.add(count as usize);
            while from != end {
                step(&mut sums, [weights, next], from, pixels);
                (weights, next) = (weights.add(O * V::LANES), next.wrapping_add(V::LANES));
                from = from.add(1);
            }
        }
        if V::SATURATES {
            for &at in &piece.again {
                step(&mut sums, [weights, next], x.add(at as usize), pixels);
                weights = weights.add(O * V::LANES);
            }
        }
    }
    sums
}

/// The products of one quad of each pixel.
///
/// # Safety
/// As [`add`].
#[inline(always)]
unsafe fn step<V: Whole, const O: usize, const P: usize>(
    sums: &mut [[V; P]; O],
    [weights, next]: [*const i32; 2],
    from: *const i32,
    pixels: &[usize; P],
) {
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0);
        if P < O {
            all!(8: O, o => {
                ahead(weights.wrapping_add(AHEAD + o * V::LANES).cast());
            });
        } else {
            ahead(next.cast());
        }
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

/// How far ahead weights are asked for, in quads, where each is used once or twice.
const AHEAD: usize = 2048;
