//! Sums of rows with scalar weights: `out[o][p] = sum over k of w[k][o] * data[start[k] + p]`.

use super::{Float, Level, multiply_add};

/// How many outputs are summed at once, so that each row that is loaded is used
/// so often.
pub(crate) const OUTPUTS: usize = 4;

/// Rows are computed in blocks: where their length is no multiple of this, they
/// and the outputs must have room for the rest. A multiple of every block below.
pub(crate) const BLOCK: usize = 64;

/// What is summed into some output rows.
pub(crate) struct Sum<'a, T> {
    /// The weights of each row, `[K, OUTPUTS]`, or `[K, 1]` for a single output.
    pub(crate) weights: &'a [T],
    /// Where each row begins in `data`.
    pub(crate) starts: &'a [usize],
    /// The rows; each can be read for `length` rounded up to [`BLOCK`].
    pub(crate) data: &'a [T],
    /// How much of each row is wanted.
    pub(crate) length: usize,
    /// From one output row to the next.
    pub(crate) pitch: usize,
    /// Whether the sums are added to what is in the output.
    pub(crate) accumulate: bool,
}

impl<T: Float> Sum<'_, T> {
    /// Computes [`OUTPUTS`] rows.
    pub(crate) fn into_outputs(self, level: Level, out: &mut [T]) {
        match level {
            // SAFETY (both): `Level::detect` found these instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::<T, OUTPUTS, 4>(&self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::<T, OUTPUTS, 2>(&self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => in_registers::<T, 16, OUTPUTS, 4, true>(&self, out),
            Level::Portable => in_registers::<T, 16, OUTPUTS, 2, false>(&self, out),
        }
    }

    /// Computes a single row.
    pub(crate) fn into_one(self, level: Level, out: &mut [T]) {
        match level {
            // SAFETY (both): `Level::detect` found these instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::<T, 1, 4>(&self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::<T, 1, 8>(&self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => in_registers::<T, 16, 1, 8, true>(&self, out),
            Level::Portable => in_registers::<T, 16, 1, 4, false>(&self, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn avx512<T: Float, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [T]) {
    in_registers::<T, 64, O, V, true>(sum, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Float, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [T]) {
    in_registers::<T, 32, O, V, true>(sum, out);
}

/// [`sweep`] with the lanes that a register of so many bytes has.
#[inline(always)]
fn in_registers<T: Float, const BYTES: usize, const O: usize, const V: usize, const FUSED: bool>(
    sum: &Sum<'_, T>,
    out: &mut [T],
) {
    // Rust has no arithmetic on such constants yet; three branches compile to nothing.
    match const { BYTES / size_of::<T>() } {
        16 => sweep::<T, 16, O, V, FUSED>(sum, out),
        8 => sweep::<T, 8, O, V, FUSED>(sum, out),
        4 => sweep::<T, 4, O, V, FUSED>(sum, out),
        _ => sweep::<T, 2, O, V, FUSED>(sum, out),
    }
}

/// `O` outputs, `V` vectors of `L` lanes at a time: the sums of a block stay in
/// registers while all rows pass.
#[inline(always)]
fn sweep<T: Float, const L: usize, const O: usize, const V: usize, const FUSED: bool>(
    sum: &Sum<'_, T>,
    out: &mut [T],
) {
    let pitch = sum.pitch;
    for p in (0..sum.length).step_by(L * V) {
        let mut sums = [[[T::ZERO; L]; V]; O];
        if sum.accumulate {
            for (o, sums) in sums.iter_mut().enumerate() {
                for (v, lanes) in sums.iter_mut().enumerate() {
                    lanes.copy_from_slice(&out[o * pitch + p + v * L..][..L]);
                }
            }
        }
        for (weights, start) in sum.weights.chunks_exact(O).zip(sum.starts) {
            let row = &sum.data[start + p..][..L * V];
            let mut values = [[T::ZERO; L]; V];
            for (v, lanes) in values.iter_mut().enumerate() {
                lanes.copy_from_slice(&row[v * L..][..L]);
            }
            for o in 0..O {
                for v in 0..V {
                    for l in 0..L {
                        sums[o][v][l] = multiply_add::<T, FUSED>(weights[o], values[v][l], sums[o][v][l]);
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
        sums_alike::<f32>();
        sums_alike::<f64>();
    }

    fn sums_alike<T: Float>() {
        let (rows, length) = (7usize, 300usize);
        let room = length.next_multiple_of(BLOCK);
        let number = |i: usize, many: usize| T::from_f64((i * 37 % many) as f64 - (many / 2) as f64);
        let data: Vec<T> = (0..rows * 3 + room).map(|i| number(i, 101)).collect();
        let starts: Vec<usize> = (0..rows).map(|k| 3 * k).collect();
        let weights: Vec<T> = (0..rows * OUTPUTS).map(|i| number(i, 13)).collect();
        for level in Level::available() {
            for accumulate in [false, true] {
                let mut out = vec![T::from_f64(1.0); OUTPUTS * room];
                let sum =
                    |weights| Sum { weights, starts: &starts, data: &data, length, pitch: room, accumulate };
                sum(&weights).into_outputs(level, &mut out);
                let mut single = vec![T::from_f64(1.0); room];
                let first: Vec<T> = weights.iter().step_by(OUTPUTS).copied().collect();
                sum(&first).into_one(level, &mut single);
                for o in 0..OUTPUTS {
                    for p in 0..length {
                        let product = |k: usize| (weights[k * OUTPUTS + o] * data[starts[k] + p]).to_f64();
                        // Whole numbers: exact in either type.
                        let before = if accumulate { 1.0 } else { 0.0 };
                        let expected = (0..rows).map(product).sum::<f64>() + before;
                        assert_eq!(out[o * room + p].to_f64(), expected);
                        assert!(o > 0 || single[p].to_f64() == expected);
                    }
                }
            }
        }
    }
}
