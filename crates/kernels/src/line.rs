//! The values of a channel along a line, a residual added, and through a curve:
//! what both kinds of normalisation end with, and go back through.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::{
    Activation, Level, Size,
    activation::{Curve, ForCurve},
    level::Loop,
    map::{map, update},
    memory::written,
    number::Number,
    sums::Total,
};

/// `scale (x - centre) + shift`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<T> {
    pub(crate) centre: T,
    pub(crate) scale: T,
    pub(crate) shift: T,
}

impl<T: Number> Line<T> {
    #[inline(always)]
    fn at(self, x: T) -> T {
        (x - self.centre) * self.scale + self.shift
    }
}

/// Tensors that go through lines, a residual and a curve, or back.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, T> {
    pub(crate) level: Level,
    pub(crate) size: Size,
    pub(crate) x: &'a [T],
    pub(crate) residual: Option<&'a [T]>,
    pub(crate) activation: Option<Activation>,
}

/// What [`Lines::back`] gives.
pub(crate) struct Back<T> {
    pub(crate) input: Vec<T>,
    /// Where it is not the output's gradient itself.
    pub(crate) residual: Option<Vec<T>>,
    /// Of each channel.
    pub(crate) sums: Vec<Sums>,
}

/// Of the gradients of a line's results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    /// `sum g`
    pub(crate) gradients: f64,
    /// `sum g (x - centre)`
    pub(crate) products: f64,
}

impl<'a, T: Number> Lines<'a, T> {
    /// Sends one channel forward.
    pub(crate) fn write(&self, channel: usize, line: Line<T>, out: Vec<&mut [MaybeUninit<T>]>) {
        Activation::choose(self.activation, Forward { lines: *self, channel, line, out });
    }

    /// Sends gradients `dy` back: through the curve, which gives `g`; then
    /// `dx = a g + b (x - centre) + c`, with coefficients out of a channel's sums.
    pub(crate) fn back(
        &self,
        dy: &[T],
        line: impl Fn(usize) -> Line<T> + Sync,
        coefficients: impl Fn(usize, Sums) -> [T; 3] + Sync,
    ) -> Back<T> {
        let count = self.size.values(&[self.x, dy, self.residual.unwrap_or(dy)]);
        let mut sums = Vec::new();
        let mut write = |input: &mut [MaybeUninit<T>], residual: &mut [MaybeUninit<T>]| {
            let residuals = self.size.channels_of_mut(residual);
            let channels = self.size.channels_of_mut(input).into_par_iter().zip(residuals).enumerate();
            let found = channels.map(|(channel, (input, residual))| {
                let coefficients = |sums| coefficients(channel, sums);
                let line = line(channel);
                let back = Backward { lines: *self, dy, channel, line, coefficients, input, residual };
                Activation::choose(self.activation, back)
            });
            sums = found.collect();
        };
        let mut residual = None;
        // SAFETY (all): each channel writes all of its planes, of both where there are two.
        let input = match (self.residual, self.activation) {
            (Some(_), Some(_)) => unsafe {
                written(count, |input| residual = Some(written(count, |residual| write(input, residual))))
            },
            _ => unsafe { written(count, |input| write(input, &mut [])) },
        };
        Back { input, residual, sums }
    }
}

struct Forward<'a, 'o, T> {
    lines: Lines<'a, T>,
    channel: usize,
    line: Line<T>,
    out: Vec<&'o mut [MaybeUninit<T>]>,
}

impl<T: Number> ForCurve for Forward<'_, '_, T> {
    type Output = ();

    fn with<C: Curve>(self, curve: C) {
        self.lines.level.run(Through { job: self, curve });
    }
}

struct Backward<'a, 'o, T, F> {
    lines: Lines<'a, T>,
    dy: &'a [T],
    channel: usize,
    line: Line<T>,
    coefficients: F,
    input: Vec<&'o mut [MaybeUninit<T>]>,
    /// Empty where it is not wanted.
    residual: Vec<&'o mut [MaybeUninit<T>]>,
}

impl<T: Number, F: Fn(Sums) -> [T; 3]> ForCurve for Backward<'_, '_, T, F> {
    type Output = Sums;

    fn with<C: Curve>(self, curve: C) -> Sums {
        self.lines.level.run(Through { job: self, curve })
    }
}

struct Through<J, C> {
    job: J,
    curve: C,
}

impl<T: Number, C: Curve> Loop for Through<Forward<'_, '_, T>, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (Forward { lines, channel, line, out }, curve) = (self.job, self.curve);
        let xs = lines.size.planes(lines.x, channel);
        match lines.residual {
            None => {
                for (x, out) in xs.zip(out) {
                    map([x], out, |[x]| curve.at(line.at(x)));
                }
            }
            Some(residual) => {
                for ((x, residual), out) in xs.zip(lines.size.planes(residual, channel)).zip(out) {
                    map([x, residual], out, |[x, residual]| curve.at(line.at(x) + residual));
                }
            }
        }
    }
}

impl<T: Number, C: Curve, F: Fn(Sums) -> [T; 3]> Loop for Through<Backward<'_, '_, T, F>, C> {
    type Output = Sums;

    /// Gradients of the line's results are left where they are wanted, or where those of the
    /// input will be.
    #[inline(always)]
    fn run(self) -> Sums {
        let (Backward { lines, dy, channel, line, coefficients, input, residual }, curve) =
            (self.job, self.curve);
        let planes = |values| lines.size.planes(values, channel);
        let mut totals = (Total::default(), Total::default());
        let is_residual_wanted = !residual.is_empty();
        let (to, input) = if is_residual_wanted { (residual, input) } else { (input, residual) };
        let mut kept = Vec::with_capacity(to.len());
        match lines.residual {
            None => {
                for ((x, dy), to) in planes(lines.x).zip(planes(dy)).zip(to) {
                    let g = map([x, dy], to, |[x, dy]| curve.back(line.at(x), dy));
                    sum(&mut totals, line, g, x);
                    kept.push(g);
                }
            }
            Some(residual) => {
                for (((x, dy), residual), to) in planes(lines.x).zip(planes(dy)).zip(planes(residual)).zip(to)
                {
                    let back = |[x, dy, residual]: [T; 3]| curve.back(line.at(x) + residual, dy);
                    let g = map([x, dy, residual], to, back);
                    sum(&mut totals, line, g, x);
                    kept.push(g);
                }
            }
        }
        let sums = Sums { gradients: totals.0.get(), products: totals.1.get() };
        let [a, b, c] = coefficients(sums);
        let dx = |g: T, x: T| a * g + b * (x - line.centre) + c;
        if is_residual_wanted {
            for ((g, x), input) in kept.into_iter().zip(planes(lines.x)).zip(input) {
                map([g, x], input, |[g, x]| dx(g, x));
            }
        } else {
            for (g, x) in kept.into_iter().zip(planes(lines.x)) {
                update(g, x, dx);
            }
        }
        sums
    }
}

/// Adds a plane to the sums of gradients and of products. A function and not a closure, which is
/// compiled without the level's instructions wherever it is not inlined.
#[inline(always)]
fn sum<T: Number>(totals: &mut (Total<T>, Total<T>), line: Line<T>, g: &[T], x: &[T]) {
    totals.0.add(g, |g| g);
    totals.1.add_pairs(g, x, |g, x| g * (x - line.centre));
}

#[cfg(test)]
mod tests;
