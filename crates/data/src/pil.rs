//! Resampling that gives Pillow's bytes, which torchvision and timm resize images with.
//!
//! Both passes work on bytes, across first, with weights of 22 bits behind the point (`Resample.c` of Pillow 11): so
//! a network sees here what it saw where it was trained.

use sapwood_core::Filter;

/// Bits of a weight behind the point: a sum of 8 bits, and 2 more for weights below 0 and above 1.
const BITS: u32 = 32 - 8 - 2;

/// An image in another size.
///
/// # Shapes
/// - `pixels`: `[H, W, C]`, row-major, for a `size` of `[H, W]`
/// - returns: `[h, w, C]`
pub(crate) fn resize(
    pixels: &[u8],
    channels: usize,
    [height, width]: [usize; 2],
    [h, w]: [usize; 2],
    interpolation: Filter,
) -> Vec<u8> {
    let [columns, rows] = [(width, w), (height, h)].map(|(from, to)| taps(from, to, interpolation));
    let mut across = Vec::with_capacity(height * w * channels);
    for row in pixels.chunks_exact(width * channels) {
        for Tap { first, weights } in &columns {
            for channel in 0..channels {
                let values = row[first * channels + channel..].iter().step_by(channels);
                across.push(sum(weights, values));
            }
        }
    }
    let line = w * channels;
    let mut out = Vec::with_capacity(h * line);
    for Tap { first, weights } in &rows {
        for at in 0..line {
            out.push(sum(weights, across[first * line + at..].iter().step_by(line)));
        }
    }
    out
}

/// The old pixels that a new one is made of.
struct Tap {
    first: usize,
    weights: Vec<i32>,
}

fn sum<'a>(weights: &[i32], values: impl Iterator<Item = &'a u8>) -> u8 {
    let half = 1_i32 << (BITS - 1);
    let sum = weights.iter().zip(values).fold(half, |sum, (weight, value)| sum + weight * i32::from(*value));
    (sum >> BITS).clamp(0, 255) as u8
}

fn taps(from: usize, to: usize, interpolation: Filter) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let Some((support, filter)) = kernel(interpolation) else {
        let nearest = |at: usize| ((at as f64 + 0.5) * scale) as usize;
        return (0..to)
            .map(|at| Tap { first: nearest(at).min(from - 1), weights: vec![1 << BITS] })
            .collect();
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
    (0..to).map(tap).collect()
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
