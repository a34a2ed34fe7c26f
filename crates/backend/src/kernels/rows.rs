//! Sums of rows with scalar weights: `out[o][p] = sum over k of w[k][o] * data[start[k] + p]`.

use super::{Level, multiply_add};

/// How many outputs are summed at once, so that each row that is loaded is used
/// so often.
pub(crate) const OUTPUTS: usize = 4;

/// Rows are computed in blocks: where their length is no multiple of this, they
/// and the outputs must have room for the rest. A multiple of every block below.
pub(crate) const BLOCK: usize = 64;

/// What is summed into some output rows.
pub(crate) struct Sum<'a> {
    /// The weights of each row, `[K, OUTPUTS]`, or `[K, 1]` for a single output.
    pub(crate) weights: &'a [f32],
    /// Where each row begins in `data`.
    pub(crate) starts: &'a [usize],
    /// The rows; each can be read for `length` rounded up to [`BLOCK`].
    pub(crate) data: &'a [f32],
    /// How much of each row is wanted.
    pub(crate) length: usize,
    /// From one output row to the next.
    pub(crate) pitch: usize,
    /// Whether the sums are added to what is in the output.
    pub(crate) accumulate: bool,
}

impl Sum<'_> {
    /// Computes [`OUTPUTS`] rows.
    pub(crate) fn into_outputs(self, level: Level, out: &mut [f32]) {
        match level {
            // SAFETY (both): `Level::detect` found these instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { four_avx512(&self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { four_avx2(&self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => sweep::<4, OUTPUTS, 4, true>(&self, out),
            Level::Portable => sweep::<4, OUTPUTS, 2, false>(&self, out),
        }
    }

    /// Computes a single row.
    pub(crate) fn into_one(self, level: Level, out: &mut [f32]) {
        match level {
            // SAFETY (both): `Level::detect` found these instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { one_avx512(&self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { one_avx2(&self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => sweep::<4, 1, 8, true>(&self, out),
            Level::Portable => sweep::<4, 1, 4, false>(&self, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn four_avx512(sum: &Sum<'_>, out: &mut [f32]) {
    sweep::<16, OUTPUTS, 4, true>(sum, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn four_avx2(sum: &Sum<'_>, out: &mut [f32]) {
    sweep::<8, OUTPUTS, 2, true>(sum, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn one_avx512(sum: &Sum<'_>, out: &mut [f32]) {
    sweep::<16, 1, 4, true>(sum, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn one_avx2(sum: &Sum<'_>, out: &mut [f32]) {
    sweep::<8, 1, 8, true>(sum, out);
}

/// `O` outputs, `V` vectors of `L` lanes at a time: the sums of a block stay in
/// registers while all rows pass.
#[inline(always)]
fn sweep<const L: usize, const O: usize, const V: usize, const FUSED: bool>(sum: &Sum<'_>, out: &mut [f32]) {
    let pitch = sum.pitch;
    for p in (0..sum.length).step_by(L * V) {
        let mut sums = [[[0f32; L]; V]; O];
        if sum.accumulate {
            for (o, sums) in sums.iter_mut().enumerate() {
                for (v, lanes) in sums.iter_mut().enumerate() {
                    lanes.copy_from_slice(&out[o * pitch + p + v * L..][..L]);
                }
            }
        }
        for (weights, start) in sum.weights.chunks_exact(O).zip(sum.starts) {
            let row = &sum.data[start + p..][..L * V];
            let mut values = [[0f32; L]; V];
            for (v, lanes) in values.iter_mut().enumerate() {
                lanes.copy_from_slice(&row[v * L..][..L]);
            }
            for o in 0..O {
                for v in 0..V {
                    for l in 0..L {
                        sums[o][v][l] = multiply_add::<FUSED>(weights[o], values[v][l], sums[o][v][l]);
                    }
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (v, lanes) in sums.iter().enumerate() {
                out[o * pitch + p + v * L..][..L].copy_from_slice(lanes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_sums_alike() {
        let (rows, length) = (7usize, 300usize);
        let room = length.next_multiple_of(BLOCK);
        let data: Vec<f32> = (0..rows * 3 + room).map(|i| (i * 37 % 101) as f32 - 50.0).collect();
        let starts: Vec<usize> = (0..rows).map(|k| 3 * k).collect();
        let weights: Vec<f32> = (0..rows * OUTPUTS).map(|i| (i % 13) as f32 - 6.0).collect();
        for level in Level::available() {
            for accumulate in [false, true] {
                let mut out = vec![1.0; OUTPUTS * room];
                let sum =
                    |weights| Sum { weights, starts: &starts, data: &data, length, pitch: room, accumulate };
                sum(&weights).into_outputs(level, &mut out);
                let mut single = vec![1.0; room];
                let first: Vec<f32> = weights.iter().step_by(OUTPUTS).copied().collect();
                sum(&first).into_one(level, &mut single);
                for o in 0..OUTPUTS {
                    for p in 0..length {
                        let products = (0..rows).map(|k| weights[k * OUTPUTS + o] * data[starts[k] + p]);
                        // Whole numbers: exact in f32.
                        let expected = products.sum::<f32>() + if accumulate { 1.0 } else { 0.0 };
                        assert_eq!(out[o * room + p], expected);
                        assert!(o > 0 || single[p] == expected);
                    }
                }
            }
        }
    }
}
