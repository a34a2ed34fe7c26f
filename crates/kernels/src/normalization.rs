//! Batch normalisation with the statistics of the batch (Ioffe & Szegedy 2015,
//! algorithm 1), each channel by one thread: its planes are read again from the
//! cache.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::{
    Activation, Level, Size,
    level::Loop,
    line::{Line, Lines, Sums},
    memory::written,
    number::Number,
    sums::Total,
};

/// `activation(gamma (x - mean) / sqrt(variance + epsilon) + beta + residual)`, with
/// mean and variance of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Normalization<'a, T> {
    /// The instructions to use.
    pub level: Level,
    /// The sizes of input, residual and output.
    pub size: Size,
    /// `[C]`
    pub gamma: &'a [T],
    /// `[C]`
    pub beta: &'a [T],
    /// Added to the variance.
    pub epsilon: f64,
    /// What the sum goes through.
    pub activation: Option<Activation>,
}

/// The normalised batch and its statistics.
#[derive(Clone, Debug)]
pub struct Normalized<T> {
    /// `[N, C, plane]`
    pub output: Vec<T>,
    /// `[C]`
    pub mean: Vec<T>,
    /// The biased variance, `[C]`.
    pub variance: Vec<T>,
}

/// The gradients of what a [`Normalization`] computes from.
#[derive(Clone, Debug)]
pub struct NormalizedGradients<T> {
    /// `[N, C, plane]`
    pub input: Vec<T>,
    /// `[C]`
    pub gamma: Vec<T>,
    /// `[C]`
    pub beta: Vec<T>,
    /// `[N, C, plane]`; absent without a residual, and where it is the output's
    /// gradient because there is no activation.
    pub residual: Option<Vec<T>>,
}

impl<T: Number> Normalization<'_, T> {
    pub(crate) fn output_of(&self, x: &[T], residual: Option<&[T]>) -> Normalized<T> {
        self.size.of_channels([self.gamma, self.beta]);
        let (level, size, lines) = (self.level, self.size, self.lines(x, residual));
        let mut statistics: Vec<(T, T)> = Vec::new();
        let write = |output: &mut [MaybeUninit<T>]| {
            let channels = size.channels_of_mut(output).into_par_iter().enumerate();
            let found = channels.map(|(channel, outputs)| {
                let (mean, variance) = level.run(Statistics { size, x, channel });
                let statistics = (T::from_f64(mean), T::from_f64(variance));
                // The rounded statistics, which are all that the way back will know.
                lines.write(channel, self.line(channel, statistics), outputs);
                statistics
            });
            statistics = found.collect();
        };
        // SAFETY: each channel writes all of its planes.
        let output = unsafe { written(size.values(&[x, residual.unwrap_or(x)]), write) };
        let (mean, variance) = statistics.into_iter().unzip();
        Normalized { output, mean, variance }
    }

    pub(crate) fn gradients_of(
        &self,
        x: &[T],
        residual: Option<&[T]>,
        (mean, variance): (&[T], &[T]),
        dy: &[T],
    ) -> NormalizedGradients<T> {
        self.size.of_channels([self.gamma, self.beta, mean, variance]);
        let count = (self.size.images * self.size.plane) as f64;
        let deviation = |channel: usize| (variance[channel].to_f64() + self.epsilon).sqrt();
        let gamma_gradient = |channel, sums: &Sums| sums.products / deviation(channel);
        let back = self.lines(x, residual).back(
            dy,
            |channel| self.line(channel, (mean[channel], variance[channel])),
            |channel, sums| {
                // dx = a g + b (x - mean) + c
                let a = self.gamma[channel].to_f64() / deviation(channel);
                let b = -a * gamma_gradient(channel, &sums) / count / deviation(channel);
                [a, b, -a * sums.gradients / count].map(T::from_f64)
            },
        );
        let sums = back.sums.iter().enumerate();
        let gradient =
            |(channel, sums)| (T::from_f64(gamma_gradient(channel, sums)), T::from_f64(sums.gradients));
        let (gamma, beta) = sums.map(gradient).unzip();
        NormalizedGradients { input: back.input, gamma, beta, residual: back.residual }
    }

    fn lines<'x>(&self, x: &'x [T], residual: Option<&'x [T]>) -> Lines<'x, T> {
        Lines { level: self.level, size: self.size, x, residual, activation: self.activation }
    }

    fn line(&self, channel: usize, (centre, variance): (T, T)) -> Line<T> {
        let scale = self.gamma[channel].to_f64() / (variance.to_f64() + self.epsilon).sqrt();
        Line { centre, scale: T::from_f64(scale), shift: self.beta[channel] }
    }
}

/// Mean and biased variance of a channel.
struct Statistics<'a, T> {
    size: Size,
    x: &'a [T],
    channel: usize,
}

impl<T: Number> Loop for Statistics<'_, T> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let Self { size, x, channel } = self;
        let count = (size.images * size.plane) as f64;
        let mut total = Total::default();
        for plane in size.planes(x, channel) {
            total.add(plane, |x| x);
        }
        let mean = total.get() / count;
        let (mut squares, centre) = (Total::default(), T::from_f64(mean));
        for plane in size.planes(x, channel) {
            squares.add(plane, |x| (x - centre) * (x - centre));
        }
        (mean, squares.get() / count)
    }
}
