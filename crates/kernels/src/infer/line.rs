//! What is divided by a figure of the numbers of its line: normalisation over a dimension, and softmax.

use super::{
    Place,
    curve::exp_below,
    program::{Context, Step},
};
use crate::{Level, level::Loop};

/// What becomes of a line of numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum OfLine {
    /// `(x - mean) / sqrt(variance + epsilon) * weight + bias` (Ba et al. 2016)
    Norm {
        /// Of each number of a line.
        weight: Vec<f32>,
        /// Of each number of a line.
        bias: Vec<f32>,
        /// Added to the variance.
        epsilon: f32,
    },
    /// `exp(x) / sum exp(x)`
    Softmax,
    /// The logarithm of that.
    LogSoftmax,
}

/// Where lines lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Numbers of a line.
    pub length: usize,
    /// From one of them to the next: how many lines lie beside each other.
    pub step: usize,
}

/// The same of each line of a value.
#[derive(Debug)]
pub struct Line {
    level: Level,
    from: Place,
    to: Place,
    lines: Lines,
    of: OfLine,
}

impl Line {
    /// Of values without anything between their numbers.
    ///
    /// # Panics
    /// If there is anything between the numbers of a value, its numbers are no whole lines, or there is no weight and bias
    /// for each number of a line.
    pub fn new(level: Level, (from, to): (Place, Place), lines: Lines, of: OfLine) -> Self {
        for place in [&from, &to] {
            place.check();
            assert!(place.is_tight(), "numbers one behind the other");
        }
        let Lines { length, step } = lines;
        let are_whole = length > 0
            && step > 0
            && length.checked_mul(step).is_some_and(|all| from.image.is_multiple_of(all));
        assert!(are_whole && from.image == to.image, "whole lines");
        if let OfLine::Norm { weight, bias, .. } = &of {
            assert!(weight.len() == length && bias.len() == length, "a weight and a bias for each number");
        }
        Self { level, from, to, lines, of }
    }
}

/// Lines that are computed together where they lie beside each other.
const BESIDE: usize = 64;

impl Step for Line {
    fn reads(&self) -> Vec<Place> {
        vec![self.from]
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let Lines { length, step } = self.lines;
        // Units are lines, or what `BESIDE` of them have.
        let beside = step.div_ceil(BESIDE);
        let blocks = self.from.image / (length * step);
        for unit in context.member.share(context.images * blocks * beside) {
            let (image, block, first) =
                (unit / beside / blocks, unit / beside % blocks, unit % beside * BESIDE);
            let begin = block * length * step + first;
            let at = |place: &Place| context.arena.wrapping_add(place.at + image * place.image + begin);
            let (from, to) = (at(&self.from).cast_const(), at(&self.to));
            if step == 1 {
                // SAFETY (both): the line lies in the arena, and nobody else writes there.
                let (from, to) = unsafe {
                    (std::slice::from_raw_parts(from, length), std::slice::from_raw_parts_mut(to, length))
                };
                self.level.run(Along { from, to, of: &self.of });
            } else {
                let count = BESIDE.min(step - first);
                self.level.run(Beside { from, to, count, lines: self.lines, of: &self.of });
            }
        }
    }
}

/// A line whose numbers lie one behind the other.
struct Along<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    of: &'a OfLine,
}

impl Loop for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { from, to, of } = self;
        match of {
            OfLine::Norm { weight, bias, epsilon } => {
                let count = from.len() as f32;
                let mean = folded(from, 0.0, |x| x, |a, b| a + b) / count;
                let square = |x: f32| (x - mean) * (x - mean);
                let scale = scale(folded(from, 0.0, square, |a, b| a + b) / count, *epsilon);
                for (((to, x), weight), bias) in to.iter_mut().zip(from).zip(weight).zip(bias) {
                    *to = (x - mean) * scale * weight + bias;
                }
            }
            OfLine::Softmax | OfLine::LogSoftmax => {
                let most = folded(from, f32::NEG_INFINITY, |x| x, larger);
                to.iter_mut().zip(from).for_each(|(to, x)| *to = exp_below(x - most));
                let sum = folded(to, 0.0, |x| x, |a, b| a + b);
                if *of == OfLine::Softmax {
                    to.iter_mut().for_each(|to| *to /= sum);
                } else {
                    let all = libm::logf(sum);
                    to.iter_mut().zip(from).for_each(|(to, x)| *to = x - most - all);
                }
            }
        }
    }
}

/// `1 / sqrt(variance + epsilon)`
#[inline(always)]
fn scale(variance: f32, epsilon: f32) -> f32 {
    1.0 / (variance + epsilon).sqrt()
}

/// The larger one; what is not a number stays so.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// What a function of a line's numbers gives together, as many sums as a register has lanes.
#[inline(always)]
fn folded(line: &[f32], first: f32, of: impl Fn(f32) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [first; LANES];
    let (whole, rest) = line.as_chunks::<LANES>();
    for chunk in whole {
        for l in 0..LANES {
            lanes[l] = join(lanes[l], of(chunk[l]));
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = join(*lane, of(*x));
    }
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] = join(lanes[l], lanes[l + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Lines that lie beside each other.
struct Beside<'a> {
    from: *const f32,
    to: *mut f32,
    /// How many of them, at most [`BESIDE`].
    count: usize,
    lines: Lines,
    of: &'a OfLine,
}

impl Loop for Beside<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { from, to, count, lines: Lines { length, step }, of } = self;
        // SAFETY (both): the program compared the places with the arena.
        let row = |at: usize| unsafe { std::slice::from_raw_parts(from.add(at * step), count) };
        let row_of = |at: usize| unsafe { std::slice::from_raw_parts_mut(to.add(at * step), count) };
        let mut sums = [0.0f32; BESIDE];
        match of {
            OfLine::Norm { weight, bias, epsilon } => {
                let mut means = [0.0f32; BESIDE];
                for at in 0..length {
                    means.iter_mut().zip(row(at)).for_each(|(mean, x)| *mean += x);
                }
                means.iter_mut().for_each(|mean| *mean /= length as f32);
                for at in 0..length {
                    for ((sum, x), mean) in sums.iter_mut().zip(row(at)).zip(&means) {
                        *sum += (x - mean) * (x - mean);
                    }
                }
                sums.iter_mut().for_each(|sum| *sum = scale(*sum / length as f32, *epsilon));
                for at in 0..length {
                    let (weight, bias) = (weight[at], bias[at]);
                    for (((to, x), mean), scale) in row_of(at).iter_mut().zip(row(at)).zip(&means).zip(&sums)
                    {
                        *to = (x - mean) * scale * weight + bias;
                    }
                }
            }
            OfLine::Softmax | OfLine::LogSoftmax => {
                let mut most = [f32::NEG_INFINITY; BESIDE];
                for at in 0..length {
                    most.iter_mut().zip(row(at)).for_each(|(most, x)| *most = larger(*most, *x));
                }
                for at in 0..length {
                    for (((to, x), most), sum) in row_of(at).iter_mut().zip(row(at)).zip(&most).zip(&mut sums)
                    {
                        *to = exp_below(x - most);
                        *sum += *to;
                    }
                }
                if *of == OfLine::Softmax {
                    for at in 0..length {
                        row_of(at).iter_mut().zip(&sums).for_each(|(to, sum)| *to /= sum);
                    }
                } else {
                    sums.iter_mut().for_each(|sum| *sum = libm::logf(*sum));
                    for at in 0..length {
                        for (((to, x), most), all) in row_of(at).iter_mut().zip(row(at)).zip(&most).zip(&sums)
                        {
                            *to = x - most - all;
                        }
                    }
                }
            }
        }
    }
}
