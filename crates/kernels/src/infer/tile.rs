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
        all!(O, o => {
            let bias = V::load(bias.add(o * V::LANES));
            all!(P, p => {
                sums[o][p] = bias;
            });
        });
        let mut weights = weights;
        for &[first, count] in runs {
            let mut from = x.add(first as usize);
            let end = from.add(count as usize);
            while from != end {
                // What there is less of is loaded first, and kept.
                if P < O {
                    let mut inputs = [zero; P];
                    all!(P, p => {
                        inputs[p] = V::splat(*from.add(pixels[p / G]).add(p % G * V::LANES));
                    });
                    all!(O, o => {
                        let weight = V::load(weights.add(o * V::LANES));
                        all!(P, p => {
                            sums[o][p] = weight.multiply_add(inputs[p], sums[o][p]);
                        });
                    });
                } else {
                    let mut of_outputs = [zero; O];
                    all!(O, o => {
                        of_outputs[o] = V::load(weights.add(o * V::LANES));
                    });
                    all!(P, p => {
                        let input = V::splat(*from.add(pixels[p / G]).add(p % G * V::LANES));
                        all!(O, o => {
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
