//! Batch normalisation with the statistics of the batch (Ioffe & Szegedy 2015,
//! algorithm 1), each channel by one thread: its planes are read twice, the second
//! time from the cache.

use rayon::prelude::*;

/// The sizes: `[N, C, plane]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) images: usize,
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

/// The normalised batch and its statistics.
pub(crate) struct Normalized {
    /// `[N, C, plane]`
    pub(crate) output: Vec<f32>,
    /// `[C]`
    pub(crate) mean: Vec<f32>,
    /// The biased variance, `[C]`.
    pub(crate) variance: Vec<f32>,
}

/// The gradients of input, scale and shift.
pub(crate) struct NormalizedGradients {
    pub(crate) input: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// Normalises a batch: `gamma (x - mean) / sqrt(variance + epsilon) + beta`.
pub(crate) fn normalize(size: Size, x: &[f32], gamma: &[f32], beta: &[f32], epsilon: f64) -> Normalized {
    let mut output = vec![0.0; x.len()];
    let statistics: Vec<(f32, f32)> = size
        .channels_of_mut(&mut output)
        .into_par_iter()
        .enumerate()
        .map(|(channel, outputs)| {
            let count = (size.images * size.plane) as f64;
            let mean = size.planes(x, channel).map(|plane| sum(plane, |x| x)).sum::<f64>() / count;
            let centre = mean as f32;
            let squares = size.planes(x, channel).map(|plane| sum(plane, |x| (x - centre) * (x - centre)));
            let variance = squares.sum::<f64>() / count;
            let scale = f64::from(gamma[channel]) / (variance + epsilon).sqrt();
            let (scale, shift) = (scale as f32, beta[channel]);
            for (plane, outputs) in size.planes(x, channel).zip(outputs) {
                outputs.iter_mut().zip(plane).for_each(|(y, x)| *y = (x - centre) * scale + shift);
            }
            (centre, variance as f32)
        })
        .collect();
    let (mean, variance) = statistics.into_iter().unzip();
    Normalized { output, mean, variance }
}

/// The gradients of [`normalize`], for the statistics that it gave and an output
/// gradient. With `z` the normalised input and the means over a channel:
/// `dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - z mean(dy z))`.
pub(crate) fn normalize_backward(
    size: Size,
    x: &[f32],
    dy: &[f32],
    gamma: &[f32],
    (mean, variance): (&[f32], &[f32]),
    epsilon: f64,
) -> NormalizedGradients {
    let mut input = vec![0.0; x.len()];
    let sums: Vec<(f32, f32)> = size
        .channels_of_mut(&mut input)
        .into_par_iter()
        .enumerate()
        .map(|(channel, inputs)| {
            let count = (size.images * size.plane) as f64;
            let centre = mean[channel];
            let deviation = (f64::from(variance[channel]) + epsilon).sqrt();
            let pairs = || size.planes(x, channel).zip(size.planes(dy, channel));
            let beta: f64 = pairs().map(|(_, dy)| sum(dy, |dy| dy)).sum();
            let gamma_grad = pairs().map(|(x, dy)| sum_of_products(x, dy, centre)).sum::<f64>() / deviation;
            // dx = a dy + b (x - mean) + c
            let a = f64::from(gamma[channel]) / deviation;
            let b = (-a * gamma_grad / count / deviation) as f32;
            let (a, c) = (a as f32, (-a * beta / count) as f32);
            for ((x, dy), inputs) in pairs().zip(inputs) {
                let values = inputs.iter_mut().zip(x.iter().zip(dy));
                values.for_each(|(dx, (x, dy))| *dx = a * dy + b * (x - centre) + c);
            }
            (gamma_grad as f32, beta as f32)
        })
        .collect();
    let (gamma, beta) = sums.into_iter().unzip();
    NormalizedGradients { input, gamma, beta }
}

/// The sum of each channel: the gradient of a bias.
pub(crate) fn channel_sums(size: Size, dy: &[f32]) -> Vec<f32> {
    let of = |channel| size.planes(dy, channel).map(|plane| sum(plane, |dy| dy)).sum::<f64>() as f32;
    (0..size.channels).into_par_iter().map(of).collect()
}

impl Size {
    /// The planes of one channel, image by image.
    fn planes<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        values.chunks_exact(self.plane).skip(channel).step_by(self.channels)
    }

    /// The planes of every channel, to be written.
    fn channels_of_mut<'a>(&self, values: &'a mut [f32]) -> Vec<Vec<&'a mut [f32]>> {
        let mut channels: Vec<Vec<_>> = (0..self.channels).map(|_| Vec::with_capacity(self.images)).collect();
        for (number, plane) in values.chunks_exact_mut(self.plane).enumerate() {
            channels[number % self.channels].push(plane);
        }
        channels
    }
}

const LANES: usize = 16;

/// Sums a plane in lanes, so that it needs no order the processor would wait for.
fn sum(plane: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0f32; LANES];
    let chunks = plane.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|x| f64::from(f(*x))).sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += f(*x));
    }
    rest + lanes.into_iter().map(f64::from).sum::<f64>()
}

fn sum_of_products(x: &[f32], dy: &[f32], centre: f32) -> f64 {
    let mut lanes = [0f32; LANES];
    let (xs, dys) = (x.chunks_exact(LANES), dy.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(dys.remainder());
    let rest: f64 = rest.map(|(x, dy)| f64::from((x - centre) * dy)).sum();
    for (x, dy) in xs.zip(dys) {
        for l in 0..LANES {
            lanes[l] += (x[l] - centre) * dy[l];
        }
    }
    rest + lanes.into_iter().map(f64::from).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn norm(values: impl Iterator<Item = f64>) -> f64 {
        values.map(|x| x * x).sum::<f64>().sqrt()
    }

    /// `size` is the norm of the terms that were summed: sums of a few may cancel.
    fn close(found: &[f32], expected: &[f64], size: f64) -> bool {
        let difference = norm(found.iter().zip(expected).map(|(a, b)| f64::from(*a) - b));
        found.len() == expected.len() && difference <= 1e-5 * size
    }

    /// One channel by the definition, in f64: output, and the gradients of input,
    /// scale and shift.
    fn reference(
        x: &[f64],
        dy: &[f64],
        gamma: f64,
        beta: f64,
        epsilon: f64,
    ) -> (Vec<f64>, Vec<f64>, f64, f64) {
        let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / x.len() as f64;
        let mean = mean_of(&mut x.iter().copied());
        let variance = mean_of(&mut x.iter().map(|x| (x - mean).powi(2)));
        let z: Vec<f64> = x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt()).collect();
        let products = || z.iter().zip(dy).map(|(z, dy)| z * dy);
        let (mean_dy, mean_product) = (mean_of(&mut dy.iter().copied()), mean_of(&mut products()));
        let scale = gamma / (variance + epsilon).sqrt();
        let dx = z.iter().zip(dy).map(|(z, dy)| scale * (dy - mean_dy - z * mean_product));
        let output = z.iter().map(|z| gamma * z + beta);
        (output.collect(), dx.collect(), products().sum(), dy.iter().sum())
    }

    proptest! {
        #[test]
        fn both_passes_are_the_definition(
            images in 1usize..6, channels in 1usize..4, plane in 1usize..50, offset in -30.0f32..30.0,
        ) {
            prop_assume!(images * plane > 1);
            let size = Size { images, channels, plane };
            let n = images * channels * plane;
            let number = |i: usize, seed: usize| ((i * 7919 + seed) % 1009) as f32 / 504.5 - 1.0;
            let x: Vec<f32> = (0..n).map(|i| number(i, 1) + offset).collect();
            let dy: Vec<f32> = (0..n).map(|i| number(i, 2)).collect();
            let (gamma, beta): (Vec<f32>, Vec<f32>) = (0..channels).map(|i| (number(i, 3), number(i, 4))).unzip();
            let forward = normalize(size, &x, &gamma, &beta, 1e-5);
            let statistics = (&forward.mean[..], &forward.variance[..]);
            let backward = normalize_backward(size, &x, &dy, &gamma, statistics, 1e-5);
            for c in 0..channels {
                let of = |values: &[f32]| -> Vec<f32> { size.planes(values, c).flatten().copied().collect() };
                let wide = |values: &[f32]| -> Vec<f64> { of(values).into_iter().map(f64::from).collect() };
                let (gamma, beta) = (f64::from(gamma[c]), f64::from(beta[c]));
                let (y, dx, dgamma, dbeta) = reference(&wide(&x), &wide(&dy), gamma, beta, 1e-5);
                let deviation = (f64::from(forward.variance[c]) + 1e-5).sqrt();
                let all = norm(wide(&dy).into_iter());
                prop_assert!(close(&of(&forward.output), &y, norm(y.iter().copied())), "output");
                prop_assert!(close(&of(&backward.input), &dx, all * gamma.abs() / deviation), "input gradient");
                let room = all * ((images * plane) as f64).sqrt();
                prop_assert!(close(&[backward.gamma[c]], &[dgamma], room), "scale");
                prop_assert!(close(&[backward.beta[c]], &[dbeta], room), "shift");
            }
        }
    }
}
