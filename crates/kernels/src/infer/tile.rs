//! Sums of broadcast inputs times vectors of weights: what a dense layer spends its time on.

use super::lanes::{Lanes, all};

/// Inputs that lie one behind the other: `[first, count]`, from where the window of a pixel begins.
pub(crate) type Run = [u32; 2];

/// `sums[o][p] = bias[o] + sum over k of weights[k][o] * x[k + pixels[p]]`, where `k` goes through all
/// runs, and an output is a register. `G` pixels lie a register apart from each other, so that where the first
/// of them lies is all that has to be kept.
///
/// # Safety
/// The machine must have the registers; there must be a weight of each output for each input of the runs,
/// a bias of each output, and an input at each pixel.
#[inline(always)]
pub(crate) unsafe fn sums<V: Lanes, const O: usize, const P: usize, const G: usize>(
    weights: *const f32,
    bias: *const f32,
    runs: &[Run],
    x: *const f32,
    pixels: &[usize; P],
) -> [[V; P]; O] {
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0.0);
        let mut sums = [[zero; P]; O];
        all!(8: O, o => {
            let bias = V::load(bias.add(o * V::LANES));
            all!(28: P, p => {
                sums[o][p] = bias;
            });
        });
        let mut weights = weights;
        for (at, &[first, count]) in runs.iter().enumerate() {
            if let Some(&[later, _]) = runs.get(at + RUNS_AHEAD) {
                let later = x.wrapping_add(later as usize);
                all!(28: P, p => {
                    if p.is_multiple_of(G) {
                        ahead(later.wrapping_add(pixels[p / G]));
                    }
                });
            }
            let mut from = x.add(first as usize);
            let end = from.add(count as usize);
            while from != end {
                all!(8: O, o => {
                    if (o * V::LANES).is_multiple_of(LINE) {
                        ahead(weights.wrapping_add(AHEAD + o * V::LANES));
                    }
                });
                // What there is less of is loaded first, and kept.
                if P < O {
                    let mut inputs = [zero; P];
                    all!(28: P, p => {
                        inputs[p] = V::splat(*from.add(pixels[p / G]).add(p % G * V::LANES));
                    });
                    all!(8: O, o => {
                        let weight = V::load(weights.add(o * V::LANES));
                        all!(28: P, p => {
                            sums[o][p] = weight.multiply_add(inputs[p], sums[o][p]);
                        });
                    });
                } else {
                    let mut of_outputs = [zero; O];
                    all!(8: O, o => {
                        of_outputs[o] = V::load(weights.add(o * V::LANES));
                    });
                    all!(28: P, p => {
                        let input = V::splat(*from.add(pixels[p / G]).add(p % G * V::LANES));
                        all!(8: O, o => {
                            sums[o][p] = of_outputs[o].multiply_add(input, sums[o][p]);
                        });
                    });
                }
                weights = weights.add(O * V::LANES);
                from = from.add(1);
            }
        }
        sums
    }
}

/// How far ahead weights are asked for, in numbers: what memory answers with comes some hundred cycles later.
const AHEAD: usize = 1024;

/// How many runs ahead inputs are asked for: the blocks of a 1x1 layer lie so far apart that no processor guesses the next.
const RUNS_AHEAD: usize = 2;

/// Numbers of a line of the cache.
const LINE: usize = 16;

/// Asks for a line of the cache. The address may be of nothing.
#[inline(always)]
pub(crate) fn ahead(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, and it reads nothing.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
