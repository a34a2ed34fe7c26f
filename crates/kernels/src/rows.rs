//! Sums of rows with scalar weights: `out[o][p] = sum over k of w[k][o] * data[start[k] + p]`.
//!
//! Rows are read, and sums written, in vectors that may lie anywhere: so the rows
//! of a padded plane become those of a dense one without a copy between.

use std::mem::MaybeUninit;

use super::{Float, Level, multiply_add};

/// How many outputs are summed at once, so that each row that is loaded is used
/// so often.
pub(crate) const OUTPUTS: usize = 4;

/// More than any vector has lanes: where a row may be read beyond its end, there
/// must be so much room.
pub(crate) const BLOCK: usize = 64;

/// A vector of each row, and where its sums go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// What the sums begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Begin<'a, T> {
    /// Nothing.
    Zero,
    /// A value for each output.
    With(&'a [T]),
    /// What an earlier sum left in the output.
    Sums,
}

/// How weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In blocks of outputs that are summed together, `[K, together]`, so far from one to the next.
    Blocks(usize),
    /// Output by output, `[K]`, so far from one to the next.
    Outputs(usize),
}

/// What is summed into some output rows.
pub(crate) struct Sum<'a, T> {
    pub(crate) weights: &'a [T],
    pub(crate) order: Order,
    /// [`OUTPUTS`], or 1.
    pub(crate) together: usize,
    /// Where each row begins in `data`.
    pub(crate) starts: &'a [usize],
    pub(crate) data: &'a [T],
    /// Each vector of the rows, of [`Level::lanes`].
    pub(crate) positions: &'a [Position],
    pub(crate) begin: Begin<'a, T>,
    /// How many outputs there are.
    pub(crate) outputs: usize,
    /// From one output row to the next.
    pub(crate) pitch: usize,
}

impl<T: Float> Sum<'_, T> {
    /// Writes all vectors of all outputs. Where the sums go on from an earlier one,
    /// that must have written the same vectors.
    pub(crate) fn write(&self, level: Level, out: &mut [MaybeUninit<T>]) {
        if self.outputs == 0 || self.positions.is_empty() {
            return;
        }
        // What the kernels rely on, whatever the numbers are.
        let lanes = level.lanes::<T>();
        let last = |values: &mut dyn Iterator<Item = usize>| values.max().unwrap_or(0);
        let start = last(&mut self.starts.iter().copied());
        let from = last(&mut self.positions.iter().map(|position| position.from));
        let to = last(&mut self.positions.iter().map(|position| position.to));
        let blocks = self.outputs.div_ceil(self.together);
        assert!(self.starts.is_empty() || start + from + lanes <= self.data.len(), "rows end in the data");
        assert!(
            (self.outputs - 1) * self.pitch + to + lanes <= out.len(),
            "outputs end in the room for them"
        );
        let weights = match self.order {
            Order::Blocks(pitch) => (blocks - 1) * pitch + self.starts.len() * self.together,
            Order::Outputs(pitch) => (self.outputs - 1) * pitch + self.starts.len(),
        };
        assert!(weights <= self.weights.len(), "each row has a weight for each output");
        if let Begin::With(values) = self.begin {
            assert!(values.len() >= self.outputs, "each output has a value to begin with");
        }
        match (level, self.together) {
            // SAFETY (all): `Level::detect` found these instructions, and the sizes
            // were compared above.
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, 1) => unsafe { avx512::<T, 1, 8>(self, out) },
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, _) => unsafe { avx512::<T, OUTPUTS, 4>(self, out) },
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2, 1) => unsafe { avx2::<T, 1, 8>(self, out) },
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2, _) => unsafe { avx2::<T, OUTPUTS, 2>(self, out) },
            #[cfg(target_arch = "aarch64")]
            (Level::Neon, 1) => unsafe { in_registers::<T, 16, 1, 8, true>(self, out) },
            #[cfg(target_arch = "aarch64")]
            (Level::Neon, _) => unsafe { in_registers::<T, 16, OUTPUTS, 4, true>(self, out) },
            (Level::Portable, 1) => unsafe { in_registers::<T, 16, 1, 4, false>(self, out) },
            (Level::Portable, _) => unsafe { in_registers::<T, 16, OUTPUTS, 2, false>(self, out) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512<T: Float, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [MaybeUninit<T>]) {
    // SAFETY: the caller compared the sizes.
    unsafe { in_registers::<T, 64, O, V, true>(sum, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Float, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [MaybeUninit<T>]) {
    // SAFETY: the caller compared the sizes.
    unsafe { in_registers::<T, 32, O, V, true>(sum, out) }
}

/// [`sweep`] with the lanes that a register of so many bytes has.
#[inline(always)]
unsafe fn in_registers<T: Float, const BYTES: usize, const O: usize, const V: usize, const FUSED: bool>(
    sum: &Sum<'_, T>,
    out: &mut [MaybeUninit<T>],
) {
    // Rust has no arithmetic on such constants yet; three branches compile to nothing.
    // SAFETY (all): the caller compared the sizes.
    match const { BYTES / size_of::<T>() } {
        16 => unsafe { sweep::<T, 16, O, V, FUSED>(sum, out) },
        8 => unsafe { sweep::<T, 8, O, V, FUSED>(sum, out) },
        4 => unsafe { sweep::<T, 4, O, V, FUSED>(sum, out) },
        _ => unsafe { sweep::<T, 2, O, V, FUSED>(sum, out) },
    }
}

/// Adds one row with its weight for each output.
///
/// # Safety
/// A vector must begin at each position.
#[inline(always)]
unsafe fn add<T: Float, const L: usize, const O: usize, const V: usize, const FUSED: bool>(
    sums: &mut [[[T; L]; V]; O],
    weights: &[T; O],
    row: *const T,
    at: &[Position; V],
) {
    let mut values = [[T::ZERO; L]; V];
    for v in 0..V {
        // SAFETY: the caller's.
        values[v] = unsafe { *row.add(at[v].from).cast::<[T; L]>() };
    }
    for o in 0..O {
        for v in 0..V {
            for l in 0..L {
                sums[o][v][l] = multiply_add::<T, FUSED>(weights[o], values[v][l], sums[o][v][l]);
            }
        }
    }
}

/// `O` outputs, `V` vectors of `L` lanes at a time: the sums of a block stay in
/// registers while all rows pass, and the rows in the nearest cache while all
/// blocks of outputs do.
#[inline(always)]
unsafe fn sweep<T: Float, const L: usize, const O: usize, const V: usize, const FUSED: bool>(
    sum: &Sum<'_, T>,
    out: &mut [MaybeUninit<T>],
) {
    let (data, to) = (sum.data.as_ptr(), out.as_mut_ptr().cast::<T>());
    for positions in sum.positions.chunks(V) {
        // The last vector again, where there are too few.
        let at: [Position; V] = std::array::from_fn(|v| positions[v.min(positions.len() - 1)]);
        let mut first = 0;
        while first < sum.outputs {
            let valid = O.min(sum.outputs - first);
            let mut sums = [[[T::ZERO; L]; V]; O];
            match sum.begin {
                Begin::Zero => {}
                Begin::With(values) => {
                    for (sums, value) in sums.iter_mut().zip(&values[first..]) {
                        *sums = [[*value; L]; V];
                    }
                }
                Begin::Sums => {
                    for (o, sums) in sums.iter_mut().enumerate().take(valid) {
                        for v in 0..V {
                            // SAFETY: the last such vector ends in `out`, and an earlier sum
                            // has written it.
                            sums[v] = unsafe { *to.add((first + o) * sum.pitch + at[v].to).cast::<[T; L]>() };
                        }
                    }
                }
            }
            match sum.order {
                Order::Blocks(pitch) => {
                    let weights = &sum.weights[first / O * pitch..];
                    for (weights, start) in weights.as_chunks::<O>().0.iter().zip(sum.starts) {
                        // SAFETY: the last vector of the last row ends in `data`.
                        unsafe { add::<T, L, O, V, FUSED>(&mut sums, weights, data.add(*start), &at) };
                    }
                }
                Order::Outputs(pitch) => {
                    // The last output again, where there are too few.
                    let rows: [&[T]; O] = std::array::from_fn(|o| {
                        &sum.weights[(first + o.min(valid - 1)) * pitch..][..sum.starts.len()]
                    });
                    for (k, start) in sum.starts.iter().enumerate() {
                        let weights: [T; O] = std::array::from_fn(|o| rows[o][k]);
                        // SAFETY: as above.
                        unsafe { add::<T, L, O, V, FUSED>(&mut sums, &weights, data.add(*start), &at) };
                    }
                }
            }
            for (o, sums) in sums.iter().enumerate().take(valid) {
                for v in 0..V {
                    // SAFETY: the last such vector ends in `out`.
                    unsafe { *to.add((first + o) * sum.pitch + at[v].to).cast::<[T; L]>() = sums[v] };
                }
            }
            first += O;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::slots;

    #[test]
    fn every_level_sums_alike() {
        sums_alike::<f32>();
        sums_alike::<f64>();
    }

    fn sums_alike<T: Float>() {
        let (rows, length, outputs) = (7usize, 300usize, 6usize);
        let room = length.next_multiple_of(BLOCK);
        let number = |i: usize, many: usize| T::from_f64((i * 37 % many) as f64 - (many / 2) as f64);
        let data: Vec<T> = (0..rows * 3 + room).map(|i| number(i, 101)).collect();
        let starts: Vec<usize> = (0..rows).map(|k| 3 * k).collect();
        let weight = |k: usize, o: usize| number(k * outputs + o, 13);
        for level in Level::available() {
            let positions: Vec<Position> =
                (0..length).step_by(level.lanes::<T>()).map(|p| Position { from: p, to: p }).collect();
            let begins = [Begin::Zero, Begin::With(&data[..6]), Begin::Sums];
            let orders = [Order::Blocks(0), Order::Outputs(rows)];
            for (together, begin, order) in [1, OUTPUTS]
                .into_iter()
                .flat_map(|t| begins.map(|b| (t, b)))
                .flat_map(|(t, b)| orders.map(|order| (t, b, order)))
            {
                let mut out = vec![T::from_f64(1.0); outputs * room];
                let blocks = (0..outputs).step_by(together);
                let (weights, order): (Vec<T>, Order) = match order {
                    Order::Blocks(_) => {
                        let places = blocks.flat_map(|b| {
                            (0..rows).flat_map(move |k| (b..b + together).map(move |o| (k, o)))
                        });
                        (places.map(|(k, o)| weight(k, o)).collect(), Order::Blocks(rows * together))
                    }
                    order => {
                        let places = (0..outputs).flat_map(|o| (0..rows).map(move |k| (k, o)));
                        (places.map(|(k, o)| weight(k, o)).collect(), order)
                    }
                };
                let sum = Sum {
                    weights: &weights,
                    order,
                    together,
                    starts: &starts,
                    data: &data,
                    positions: &positions,
                    begin,
                    outputs,
                    pitch: room,
                };
                // SAFETY: sums are numbers.
                sum.write(level, unsafe { slots(&mut out) });
                for o in 0..outputs {
                    for p in 0..length {
                        let product = |k: usize| (weight(k, o) * data[starts[k] + p]).to_f64();
                        // Whole numbers: exact in either type.
                        let before = match begin {
                            Begin::Zero => 0.0,
                            Begin::With(values) => values[o].to_f64(),
                            Begin::Sums => 1.0,
                        };
                        assert_eq!(out[o * room + p].to_f64(), (0..rows).map(product).sum::<f64>() + before);
                    }
                }
            }
        }
    }
}
