//! Sums of rows with scalar weights: `out[o][p] = sum over k of w[k][o] * data[start[k] + p]`.
//!
//! Rows are read, and sums written, in vectors that may lie anywhere: so the rows
//! of a padded plane become those of a dense one without a copy between.

use std::mem::MaybeUninit;

use super::{
    Level,
    number::Number,
    vector::{Vector, each},
};

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

impl<T: Number> Sum<'_, T> {
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
            (Level::Neon, 1) => unsafe { sweep::<T, T::Neon, 1, 8>(self, out) },
            #[cfg(target_arch = "aarch64")]
            (Level::Neon, _) => unsafe { sweep::<T, T::Neon, OUTPUTS, 4>(self, out) },
            (Level::Portable, 1) => unsafe { sweep::<T, T::Portable, 1, 4>(self, out) },
            (Level::Portable, _) => unsafe { sweep::<T, T::Portable, OUTPUTS, 2>(self, out) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512<T: Number, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [MaybeUninit<T>]) {
    // SAFETY: the caller compared the sizes.
    unsafe { sweep::<T, T::Avx512, O, V>(sum, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Number, const O: usize, const V: usize>(sum: &Sum<'_, T>, out: &mut [MaybeUninit<T>]) {
    // SAFETY: the caller compared the sizes.
    unsafe { sweep::<T, T::Avx2, O, V>(sum, out) }
}

/// Adds one row with its weight for each output.
///
/// # Safety
/// The machine must have the registers, and a vector must begin at each position.
#[inline(always)]
unsafe fn add<R: Vector, const O: usize, const V: usize>(
    sums: &mut [[R; V]; O],
    weights: [R::Number; O],
    row: *const R::Number,
    at: &[Position; V],
) {
    // SAFETY (all): the caller's.
    let mut values = [unsafe { R::load(row.add(at[0].from)) }; V];
    each!(V, v => {
        values[v] = unsafe { R::load(row.add(at[v].from)) };
    });
    each!(O, o => {
        let weight = unsafe { R::splat(weights[o]) };
        each!(V, v => {
            sums[o][v] = unsafe { weight.multiply_add(values[v], sums[o][v]) };
        });
    });
}

/// `O` outputs and `V` vectors at a time, and what is left of the vectors in fewer: few are all
/// there are where planes are small.
///
/// # Safety
/// The machine must have the registers, and [`Sum::write`] must have compared the sizes.
#[inline(always)]
unsafe fn sweep<T: Number, R: Vector<Number = T>, const O: usize, const V: usize>(
    sum: &Sum<'_, T>,
    out: &mut [MaybeUninit<T>],
) {
    let blocks = sum.positions.chunks_exact(V);
    let left = blocks.remainder();
    // SAFETY (all): the caller's.
    for positions in blocks {
        unsafe { block::<T, R, O, V>(sum, positions, out) };
    }
    match left.len() {
        0 => {}
        1 => unsafe { block::<T, R, O, 1>(sum, left, out) },
        2 if V > 2 => unsafe { block::<T, R, O, 2>(sum, left, out) },
        3 | 4 if V > 4 => unsafe { block::<T, R, O, 4>(sum, left, out) },
        _ => unsafe { block::<T, R, O, V>(sum, left, out) },
    }
}

/// `O` outputs and the same `V` vectors of all rows at a time: the sums stay in
/// registers while all rows pass, and the rows in the nearest cache while all
/// blocks of outputs do.
///
/// # Safety
/// The machine must have the registers, and [`Sum::write`] must have compared the sizes.
#[inline(always)]
unsafe fn block<T: Number, R: Vector<Number = T>, const O: usize, const V: usize>(
    sum: &Sum<'_, T>,
    positions: &[Position],
    out: &mut [MaybeUninit<T>],
) {
    let (data, to) = (sum.data.as_ptr(), out.as_mut_ptr().cast::<T>());
    let (starts, rows) = (sum.starts.as_ptr(), sum.starts.len());
    // The last vector again, where there are too few.
    let mut at = [positions[0]; V];
    each!(V, v => {
        at[v] = positions[v.min(positions.len() - 1)];
    });
    let mut first = 0;
    while first < sum.outputs {
        let valid = O.min(sum.outputs - first);
        // SAFETY: the caller's.
        let mut sums = [[unsafe { R::splat(T::ZERO) }; V]; O];
        match sum.begin {
            Begin::Zero => {}
            Begin::With(values) => each!(O, o => {
                if o < valid {
                    // SAFETY: the caller's.
                    sums[o] = [unsafe { R::splat(values[first + o]) }; V];
                }
            }),
            Begin::Sums => each!(O, o => {
                if o < valid {
                    each!(V, v => {
                        // SAFETY: the last such vector ends in `out`, and an earlier sum
                        // has written it.
                        sums[o][v] = unsafe { R::load(to.add((first + o) * sum.pitch + at[v].to)) };
                    });
                }
            }),
        }
        // Each row has a weight for each output.
        let mut row_weights = [T::ZERO; O];
        match sum.order {
            Order::Blocks(pitch) => {
                let mut weights = sum.weights.as_ptr().wrapping_add(first / O * pitch);
                for k in 0..rows {
                    each!(O, o => {
                        // SAFETY: the weights of the last row end in `weights`.
                        row_weights[o] = unsafe { *weights.add(o) };
                    });
                    // SAFETY: the last vector of the last row ends in `data`.
                    unsafe { add::<R, O, V>(&mut sums, row_weights, data.add(*starts.add(k)), &at) };
                    weights = weights.wrapping_add(O);
                }
            }
            Order::Outputs(pitch) => {
                let mut weights = [sum.weights.as_ptr(); O];
                each!(O, o => {
                    // The last output again, where there are too few.
                    weights[o] = weights[o].wrapping_add((first + o.min(valid - 1)) * pitch);
                });
                for k in 0..rows {
                    each!(O, o => {
                        // SAFETY: as above.
                        row_weights[o] = unsafe { *weights[o].add(k) };
                    });
                    // SAFETY: as above.
                    unsafe { add::<R, O, V>(&mut sums, row_weights, data.add(*starts.add(k)), &at) };
                }
            }
        }
        each!(O, o => {
            if o < valid {
                each!(V, v => {
                    // SAFETY: the last such vector ends in `out`.
                    unsafe { sums[o][v].store(to.add((first + o) * sum.pitch + at[v].to)) };
                });
            }
        });
        first += O;
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

    fn sums_alike<T: Number>() {
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
