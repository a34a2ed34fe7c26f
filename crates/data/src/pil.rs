//! Resampling that gives Pillow's bytes, which torchvision and timm resize images with.
//!
//! Both passes work on bytes, across first, with weights of 22 bits behind the point (`Resample.c` of Pillow 11): so
//! a network sees here what it saw where it was trained.

use std::ops::Range;

use sapwood_core::Filter;

use crate::resample::Region;

/// Bits of a weight behind the point: a sum of 8 bits, and 2 more for weights below 0 and above 1.
const BITS: u32 = 32 - 8 - 2;

/// A part of images of one size in another size: which pixels a new one is made of is the same for all of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resampling {
    /// The size `[H, W]` of the images.
    from: [usize; 2],
    rows: Vec<Tap>,
    columns: Vec<Tap>,
}

impl Resampling {
    /// A part, which is not empty, of what images of size `from` are in size `to`.
    pub(crate) fn of(from: [usize; 2], to: [usize; 2], part: Region, interpolation: Filter) -> Self {
        let columns = taps(from[1], to[1], part.left..part.left + part.width, interpolation);
        let rows = taps(from[0], to[0], part.top..part.top + part.height, interpolation);
        Self { from, rows, columns }
    }

    /// The part's size, `[h, w]`.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// The part of one image.
    ///
    /// # Shapes
    /// - `pixels`: `[H, W, C]`, row-major
    /// - returns: `[h, w, C]`
    pub(crate) fn apply(&self, pixels: &[u8], channels: usize) -> Vec<u8> {
        let Self { from: [_, width], rows, columns } = self;
        // Across first, and only in the rows that are needed.
        let top = rows.first().map_or(0, |tap| tap.first);
        let below = rows.last().map_or(0, |tap| tap.first + tap.weights.len());
        let mut across = Vec::with_capacity((below - top) * columns.len() * channels);
        for row in pixels.chunks_exact(width * channels).take(below).skip(top) {
            for Tap { first, weights } in columns {
                for channel in 0..channels {
                    let values = row[first * channels + channel..].iter().step_by(channels);
                    across.push(sum(weights, values));
                }
            }
        }
        let line = columns.len() * channels;
        let mut out = Vec::with_capacity(rows.len() * line);
        for Tap { first, weights } in rows {
            for at in 0..line {
                out.push(sum(weights, across[(first - top) * line + at..].iter().step_by(line)));
            }
        }
        out
    }
}

/// The longest side whose pixels are found as Pillow finds the nearest: a longer one would take seconds, and images of
/// that size are none of Pillow's.
const ADDED: usize = 1 << 26;

/// The old pixels that a new one is made of.
#[derive(Clone, Debug, PartialEq)]
struct Tap {
    first: usize,
    weights: Vec<i32>,
}

fn sum<'a>(weights: &[i32], values: impl Iterator<Item = &'a u8>) -> u8 {
    let half = 1_i32 << (BITS - 1);
    let sum = weights.iter().zip(values).fold(half, |sum, (weight, value)| sum + weight * i32::from(*value));
    (sum >> BITS).clamp(0, 255) as u8
}

/// Those of some of the pixels of a side that becomes `to` long.
fn taps(from: usize, to: usize, some: Range<usize>, interpolation: Filter) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let Some((support, filter)) = kernel(interpolation) else {
        let tap = |at: f64| Tap { first: (at as usize).min(from - 1), weights: vec![1 << BITS] };
        if ADDED < to {
            return some.map(|at| tap((at as f64 + 0.5) * scale)).collect();
        }
        // The places are added up, and rounded as often, as Pillow does: a product has other pixels.
        let places = std::iter::successors(Some(scale * 0.5), |at| Some(at + scale));
        return places.take(some.end).skip(some.start).map(tap).collect();
    };
    // An image that shrinks is averaged over more pixels, so that nothing is skipped.
    let stretch = scale.max(1.0);
    let support = support * stretch;
    let tap = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = ((centre - support + 0.5) as i64).max(0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from);
        let raw: Vec<f64> =
            (first..last).map(|x| filter((x as f64 - centre + 0.5) * (1.0 / stretch))).collect();
        let total: f64 = raw.iter().sum();
        let fixed = |weight: f64| {
            let weight = if total == 0.0 { weight } else { weight / total };
            (weight * f64::from(1 << BITS) + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
        };
        Tap { first, weights: raw.into_iter().map(fixed).collect() }
    };
    some.map(tap).collect()
}

/// How far a filter reaches, and the weight at a distance.
type Kernel = (f64, fn(f64) -> f64);

/// The kernel of a filter; none where pixels are copied.
fn kernel(interpolation: Filter) -> Option<Kernel> {
    Some(match interpolation {
        Filter::Nearest => return None,
        Filter::Bilinear => (1.0, |x| (1.0 - x.abs()).max(0.0)),
        Filter::Bicubic => (2.0, cubic),
        Filter::Lanczos => (3.0, |x| if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }),
    })
}

/// Keys 1981, equation 4, with `a = -0.5`.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

#[cfg(test)]
mod tests;
