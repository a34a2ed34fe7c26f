//! A scale and a shift for each channel, and what comes after them.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::{
    Activation, Level, Size,
    line::{Line, Lines},
    memory::written,
    number::Number,
};

/// `activation(scale x + shift + residual)`: normalisation with statistics that are
/// known.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a, T> {
    /// The instructions to use.
    pub level: Level,
    /// The sizes of input, residual and output.
    pub size: Size,
    /// `[C]`
    pub scale: &'a [T],
    /// `[C]`
    pub shift: &'a [T],
    /// What the sum goes through.
    pub activation: Option<Activation>,
}

/// The gradients of what an [`Affine`] computes from.
#[derive(Clone, Debug)]
pub struct AffineGradients<T> {
    /// `[N, C, plane]`
    pub input: Vec<T>,
    /// `[C]`
    pub scale: Vec<T>,
    /// `[C]`
    pub shift: Vec<T>,
    /// `[N, C, plane]`; absent without a residual, and where it is the output's
    /// gradient because there is no activation.
    pub residual: Option<Vec<T>>,
}

impl<T: Number> Affine<'_, T> {
    pub(crate) fn output_of(&self, x: &[T], residual: Option<&[T]>) -> Vec<T> {
        self.size.of_channels([self.scale, self.shift]);
        let (size, lines) = (self.size, self.lines(x, residual));
        let write = |out: &mut [MaybeUninit<T>]| {
            let channels = size.channels_of_mut(out).into_par_iter().enumerate();
            channels.for_each(|(channel, out)| lines.write(channel, self.line(channel), out));
        };
        // SAFETY: each channel writes all of its planes.
        unsafe { written(size.values(&[x, residual.unwrap_or(x)]), write) }
    }

    pub(crate) fn gradients_of(&self, x: &[T], residual: Option<&[T]>, dy: &[T]) -> AffineGradients<T> {
        self.size.of_channels([self.scale, self.shift]);
        let coefficients = |channel: usize, _| [self.scale[channel], T::ZERO, T::ZERO];
        let back = self.lines(x, residual).back(dy, |channel| self.line(channel), coefficients);
        let sums = back.sums.iter().map(|sums| (T::from_f64(sums.products), T::from_f64(sums.gradients)));
        let (scale, shift) = sums.unzip();
        AffineGradients { input: back.input, scale, shift, residual: back.residual }
    }

    fn lines<'x>(&self, x: &'x [T], residual: Option<&'x [T]>) -> Lines<'x, T> {
        Lines { level: self.level, size: self.size, x, residual, activation: self.activation }
    }

    fn line(&self, channel: usize) -> Line<T> {
        Line { centre: T::ZERO, scale: self.scale[channel], shift: self.shift[channel] }
    }
}
