//! Planes out of shifted planes.
//!
//! `out[t][y][x] = sum over k of w[t][k] * source[plane_k][y + dy_k][x + dx_k]`,
//! with zeros outside: what a convolution, and each phase of its input gradient,
//! comes down to.

use rayon::prelude::*;

use super::{
    Float, Level,
    dots::{LANES, LEFT, Products, RIGHT},
    planes::Layout,
    rows::{BLOCK, OUTPUTS, Sum},
};

/// So many weighted rows are summed before their sums leave the registers for
/// good; more of them would not stay in the nearest cache.
const CHUNK: usize = 256;

/// Rows to be summed or multiplied.
pub(crate) struct Rows<'a, T> {
    /// How many images lie one after the other in each plane.
    pub(crate) images: usize,
    /// Where each row begins.
    pub(crate) starts: Vec<usize>,
    /// The planes.
    pub(crate) data: &'a [T],
}

/// How work is spread over threads. The values do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Not at all: others work on other images.
    Alone,
    /// Over blocks of outputs: there are fewer images than threads.
    Outputs,
}

/// One term of the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Which source plane.
    pub(crate) plane: usize,
    /// Shift in rows.
    pub(crate) dy: isize,
    /// Shift in columns.
    pub(crate) dx: isize,
}

/// Which shifted planes are summed, and how planes lie.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub(crate) taps: Vec<Tap>,
    pub(crate) layout: Layout,
}

impl Correlation {
    pub(crate) fn new(taps: Vec<Tap>, source: [usize; 2], output: [usize; 2]) -> Self {
        let range = |shift: fn(&Tap) -> isize| {
            let shifts = || taps.iter().map(shift);
            shifts().min().unwrap_or(0)..=shifts().max().unwrap_or(0)
        };
        let layout = Layout::new(source, output, range(|tap| tap.dy), range(|tap| tap.dx));
        Self { taps, layout }
    }

    /// Where each row begins, in planes of so many images from `first` on.
    pub(crate) fn starts(&self, images: usize, first: usize) -> Vec<usize> {
        let plane = self.layout.plane(images);
        let start = |tap: &Tap| {
            let origin = (first + tap.plane) * plane + self.layout.lead;
            origin.wrapping_add_signed(self.layout.shift(tap.dy, tap.dx))
        };
        self.taps.iter().map(start).collect()
    }

    /// The length of one output plane of so many images.
    pub(crate) fn output(&self, images: usize) -> usize {
        self.layout.length(images).next_multiple_of(BLOCK)
    }

    /// Sums the rows that begin at `starts` into output planes, with the weights
    /// that [`pack`] made; `spread` over threads, where nothing else is.
    pub(crate) fn sum<T: Float>(
        &self,
        level: Level,
        rows: &Rows<'_, T>,
        weights: &Packed<T>,
        out: &mut [T],
        spread: Spread,
    ) {
        let pitch = self.output(rows.images);
        let length = self.layout.length(rows.images);
        let blocks = || weights.values.chunks(weights.together * self.taps.len());
        let add = |chunk: usize, block: &[T], out: &mut [T]| {
            let first = chunk * CHUNK;
            let starts = &rows.starts[first..rows.starts.len().min(first + CHUNK)];
            let weights = &block[first * weights.together..][..starts.len() * weights.together];
            let sum = Sum { weights, starts, data: rows.data, length, pitch, accumulate: chunk > 0 };
            match out.len() / pitch {
                1 => sum.into_one(level, out),
                _ => sum.into_outputs(level, out),
            }
        };
        let chunks = 0..rows.starts.len().div_ceil(CHUNK);
        let outs = weights.together * pitch;
        match spread {
            // All outputs of a chunk, while its rows are in the cache.
            Spread::Alone => {
                for chunk in chunks {
                    blocks().zip(out.chunks_mut(outs)).for_each(|(block, out)| add(chunk, block, out));
                }
            }
            Spread::Outputs => {
                let blocks: Vec<_> = blocks().zip(out.chunks_mut(outs)).collect();
                blocks.into_par_iter().for_each(|(block, out)| {
                    chunks.clone().for_each(|chunk| add(chunk, block, out));
                });
            }
        }
    }

    /// Adds to `gradient`, `[LEFT, K]`, the products of the output gradients that
    /// begin at `left` with the rows that begin at `right`. The output gradients
    /// lie as outputs do, with zeros where there is no output.
    pub(crate) fn products<T: Float>(
        &self,
        level: Level,
        (outputs, left): (&[T], [usize; LEFT]),
        (rows, right): (&[T], &[usize]),
        length: usize,
        gradient: &mut [Vec<T>; LEFT],
    ) {
        for (block, starts) in right.chunks(RIGHT).enumerate() {
            let mut sums = [[T::ZERO; RIGHT]; LEFT];
            let products = Products {
                left: outputs,
                left_starts: left,
                right: rows,
                right_starts: filled(starts),
                pieces: &[(0, 0)],
                length,
            };
            products.add_to(level, &mut sums);
            for (gradient, sums) in gradient.iter_mut().zip(sums) {
                gradient[block * RIGHT..]
                    .iter_mut()
                    .zip(&sums[..starts.len()])
                    .for_each(|(g, sum)| *g += *sum);
            }
        }
    }

    /// The length over which output gradients are multiplied.
    pub(crate) fn product_length(&self, images: usize) -> usize {
        self.layout.length(images).next_multiple_of(LANES)
    }
}

/// A block of starts; where it is short, filled up with its first, whose products
/// are then not wanted.
pub(crate) fn filled<const N: usize>(starts: &[usize]) -> [usize; N] {
    std::array::from_fn(|i| *starts.get(i).unwrap_or(&starts[0]))
}

/// Weights in the order in which they are used.
pub(crate) struct Packed<T> {
    values: Vec<T>,
    /// Outputs that are summed together.
    pub(crate) together: usize,
}

impl<T> Packed<T> {
    /// Output planes, rounded up to whole blocks.
    pub(crate) fn outputs(&self, taps: usize) -> usize {
        self.values.len() / taps.max(1)
    }
}

/// Packs the weight of each output and tap. A single output is summed alone;
/// more are summed in blocks, the last one filled up with zeros.
pub(crate) fn pack<T: Float>(outputs: usize, taps: usize, weight: impl Fn(usize, usize) -> T) -> Packed<T> {
    let together = if outputs == 1 { 1 } else { OUTPUTS };
    let mut values = vec![T::ZERO; outputs.next_multiple_of(together) * taps];
    for o in 0..outputs {
        let block = &mut values[o / together * together * taps..];
        for k in 0..taps {
            block[k * together + o % together] = weight(o, k);
        }
    }
    Packed { values, together }
}
