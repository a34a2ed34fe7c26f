//! Batch normalisation with the statistics of the batch (Ioffe & Szegedy 2015,
//! algorithm 1), each channel by one thread: its planes are read twice, the second
//! time from the cache.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::{Float, memory::written};

/// The sizes: `[N, C, plane]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) images: usize,
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

/// The normalised batch and its statistics.
pub(crate) struct Normalized<T> {
    /// `[N, C, plane]`
    pub(crate) output: Vec<T>,
    /// `[C]`
    pub(crate) mean: Vec<T>,
    /// The biased variance, `[C]`.
    pub(crate) variance: Vec<T>,
}

/// The gradients of input, scale and shift.
pub(crate) struct NormalizedGradients<T> {
    pub(crate) input: Vec<T>,
    pub(crate) gamma: Vec<T>,
    pub(crate) beta: Vec<T>,
}

/// Normalises a batch: `gamma (x - mean) / sqrt(variance + epsilon) + beta`.
pub(crate) fn normalize<T: Float>(
    size: Size,
    x: &[T],
    gamma: &[T],
    beta: &[T],
    epsilon: f64,
) -> Normalized<T> {
    let mut statistics: Vec<(T, T)> = Vec::new();
    let write = |output: &mut [MaybeUninit<T>]| {
        let channels = size.channels_of_mut(output).into_par_iter().enumerate();
        let normalized = channels.map(|(channel, outputs)| {
            let count = (size.images * size.plane) as f64;
            let mean = size.planes(x, channel).map(|plane| sum(plane, |x| x)).sum::<f64>() / count;
            let centre = T::from_f64(mean);
            let squares = size.planes(x, channel).map(|plane| sum(plane, |x| (x - centre) * (x - centre)));
            let variance = squares.sum::<f64>() / count;
            let scale = gamma[channel].to_f64() / (variance + epsilon).sqrt();
            let (scale, shift) = (T::from_f64(scale), beta[channel]);
            for (plane, outputs) in size.planes(x, channel).zip(outputs) {
                let values = outputs.iter_mut().zip(plane);
                values.for_each(|(y, x)| _ = y.write((*x - centre) * scale + shift));
            }
            (centre, T::from_f64(variance))
        });
        statistics = normalized.collect();
    };
    // SAFETY: each channel writes all of its planes.
    let output = unsafe { written(size.values(&[x]), write) };
    let (mean, variance) = statistics.into_iter().unzip();
    Normalized { output, mean, variance }
}

/// The gradients of [`normalize`], for the statistics that it gave and an output
/// gradient. With `z` the normalised input and the means over a channel:
/// `dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - z mean(dy z))`.
pub(crate) fn normalize_backward<T: Float>(
    size: Size,
    x: &[T],
    dy: &[T],
    gamma: &[T],
    (mean, variance): (&[T], &[T]),
    epsilon: f64,
) -> NormalizedGradients<T> {
    let mut sums: Vec<(T, T)> = Vec::new();
    let write = |input: &mut [MaybeUninit<T>]| {
        let channels = size.channels_of_mut(input).into_par_iter().enumerate();
        let found = channels.map(|(channel, inputs)| {
            let count = (size.images * size.plane) as f64;
            let centre = mean[channel];
            let deviation = (variance[channel].to_f64() + epsilon).sqrt();
            let pairs = || size.planes(x, channel).zip(size.planes(dy, channel));
            let beta: f64 = pairs().map(|(_, dy)| sum(dy, |dy| dy)).sum();
            let gamma_grad = pairs().map(|(x, dy)| sum_of_products(x, dy, centre)).sum::<f64>() / deviation;
            // dx = a dy + b (x - mean) + c
            let a = gamma[channel].to_f64() / deviation;
            let b = T::from_f64(-a * gamma_grad / count / deviation);
            let (a, c) = (T::from_f64(a), T::from_f64(-a * beta / count));
            for ((x, dy), inputs) in pairs().zip(inputs) {
                let values = inputs.iter_mut().zip(x.iter().zip(dy));
                values.for_each(|(dx, (x, dy))| _ = dx.write(a * *dy + b * (*x - centre) + c));
            }
            (T::from_f64(gamma_grad), T::from_f64(beta))
        });
        sums = found.collect();
    };
    // SAFETY: each channel writes all of its planes.
    let input = unsafe { written(size.values(&[x, dy]), write) };
    let (gamma, beta) = sums.into_iter().unzip();
    NormalizedGradients { input, gamma, beta }
}

/// The sum of each channel: the gradient of a bias.
pub(crate) fn channel_sums<T: Float>(size: Size, dy: &[T]) -> Vec<T> {
    let of = |channel| T::from_f64(size.planes(dy, channel).map(|plane| sum(plane, |dy| dy)).sum::<f64>());
    (0..size.channels).into_par_iter().map(of).collect()
}

impl Size {
    /// How many values each of these tensors has, all of them in some plane.
    fn values<T>(&self, tensors: &[&[T]]) -> usize {
        let count = self.images * self.channels * self.plane;
        assert!(tensors.iter().all(|values| values.len() == count), "the tensors are of this size");
        count
    }

    /// The planes of one channel, image by image.
    fn planes<'a, T>(&self, values: &'a [T], channel: usize) -> impl Iterator<Item = &'a [T]> {
        values.chunks_exact(self.plane).skip(channel).step_by(self.channels)
    }

    /// The planes of every channel, to be written.
    fn channels_of_mut<'a, T>(&self, values: &'a mut [T]) -> Vec<Vec<&'a mut [T]>> {
        let mut channels: Vec<Vec<_>> = (0..self.channels).map(|_| Vec::with_capacity(self.images)).collect();
        for (number, plane) in values.chunks_exact_mut(self.plane).enumerate() {
            channels[number % self.channels].push(plane);
        }
        channels
    }
}

const LANES: usize = 16;

/// Sums a plane in lanes, so that it needs no order the processor would wait for.
fn sum<T: Float>(plane: &[T], f: impl Fn(T) -> T) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    let chunks = plane.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|x| f(*x).to_f64()).sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += f(*x));
    }
    rest + lanes.into_iter().map(T::to_f64).sum::<f64>()
}

fn sum_of_products<T: Float>(x: &[T], dy: &[T], centre: T) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    let (xs, dys) = (x.chunks_exact(LANES), dy.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(dys.remainder());
    let rest: f64 = rest.map(|(x, dy)| ((*x - centre) * *dy).to_f64()).sum();
    for (x, dy) in xs.zip(dys) {
        for l in 0..LANES {
            lanes[l] += (x[l] - centre) * dy[l];
        }
    }
    rest + lanes.into_iter().map(T::to_f64).sum::<f64>()
}

#[cfg(test)]
mod tests;
