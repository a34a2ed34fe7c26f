//! The largest integer and the mean of windows.

use super::{Dots, Quads, after::nearest};
use crate::{
    infer::{
        Place, Window,
        program::{Context, Step},
    },
    level::Loop,
};

/// Channels at once.
const TOGETHER: usize = 16;

/// The largest of each window (MaxPool); what lies beyond the input is never it.
#[derive(Debug)]
pub struct Largest(Pool);

/// The mean of windows that touch, of which those at the edges have that of what they hold (QLinearAveragePool).
#[derive(Debug)]
pub struct Means(Pool);

#[derive(Debug)]
struct Pool {
    dots: Dots,
    from: Quads,
    to: Quads,
    window: Window,
}

impl Pool {
    fn new(dots: Dots, (from, to): (Quads, Quads), window: Window) -> Self {
        assert_eq!(from.channels(), to.channels(), "values of the same channels");
        assert!(from.is_wide() && to.is_wide() && window.dilation == [1, 1], "room for whole registers");
        for axis in 0..2 {
            let last = (to.place().size[axis] - 1) * window.stride[axis];
            assert!(last < from.place().size[axis] + window.before[axis], "windows begin in the input");
        }
        Self { dots, from, to, window }
    }

    /// Which rows or columns a window has within the input.
    fn within(&self, axis: usize, at: usize) -> std::ops::Range<usize> {
        let (first, before) = (at * self.window.stride[axis], self.window.before[axis]);
        let end = (first + self.window.kernel[axis]).saturating_sub(before);
        first.saturating_sub(before)..end.min(self.from.place().size[axis])
    }

    /// # Safety
    /// The places must lie in the arena.
    unsafe fn run(&self, context: &Context<'_>, of: impl Fold) {
        // SAFETY: the caller's.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        self.dots.run(Pooled { pool: self, context, of });
    }
}

impl Largest {
    /// # Panics
    /// If the values have other channels or integers, or windows lie beyond the input.
    pub fn new(dots: Dots, (from, to): (Quads, Quads), window: Window) -> Self {
        assert_eq!(from.of(), to.of(), "integers of the same numbers");
        Self(Pool::new(dots, (from, to), window))
    }
}

impl Means {
    /// Of windows of so many rows and columns.
    ///
    /// # Panics
    /// If the values have other channels, or windows lie beyond the input.
    pub fn new(dots: Dots, (from, to): (Quads, Quads), kernel: usize) -> Self {
        Self(Pool::new(dots, (from, to), Window::new([kernel; 2], [kernel; 2])))
    }
}

/// What becomes of the bytes of a window.
trait Fold {
    type Value: Copy;

    fn none(&self) -> Self::Value;

    fn with(&self, value: Self::Value, byte: u8) -> Self::Value;

    fn byte(&self, value: Self::Value, count: usize) -> u8;
}

struct Most;

impl Fold for Most {
    type Value = u8;

    #[inline(always)]
    fn none(&self) -> u8 {
        0
    }

    #[inline(always)]
    fn with(&self, value: u8, byte: u8) -> u8 {
        value.max(byte)
    }

    #[inline(always)]
    fn byte(&self, value: u8, _: usize) -> u8 {
        value
    }
}

/// A sum in f32, and what is needed to round its mean.
struct Sum {
    scales: [f32; 2],
    zero: i32,
    zero_point: f32,
    bounds: [f32; 2],
    shift: i32,
}

impl Fold for Sum {
    type Value = f32;

    #[inline(always)]
    fn none(&self) -> f32 {
        0.0
    }

    #[inline(always)]
    fn with(&self, value: f32, byte: u8) -> f32 {
        value + self.scales[0] * (i32::from(byte) - self.zero) as f32
    }

    #[inline(always)]
    fn byte(&self, value: f32, count: usize) -> u8 {
        let mean = value / count as f32 / self.scales[1] + self.zero_point;
        (nearest(mean, self.bounds[0], self.bounds[1]) + self.shift) as u8
    }
}

struct Pooled<'a, F> {
    pool: &'a Pool,
    context: &'a Context<'a>,
    of: F,
}

impl<F: Fold> Loop for Pooled<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pool, context, of } = self;
        let (from, to) = (pool.from.place(), pool.to.place());
        let [pixel, target] = [pool.from, pool.to].map(|quads| 4 * quads.quads());
        let row = 4 * from.steps()[0];
        for [image, block, y] in context.rows(to) {
            let input = context.row(from, [image, block, 0]).cast_const().cast::<u8>();
            let output = context.row(to, [image, block, y]).cast::<u8>();
            let rows = pool.within(0, y);
            for x in 0..to.size[1] {
                let columns = pool.within(1, x);
                for first in (0..pool.to.channels()).step_by(TOGETHER) {
                    let mut values = [of.none(); TOGETHER];
                    for y in rows.clone() {
                        for x in columns.clone() {
                            // SAFETY: channels of a pixel, for which there is room.
                            let bytes = unsafe {
                                input.add(y * row + x * pixel + first).cast::<[u8; TOGETHER]>().read()
                            };
                            for (value, byte) in values.iter_mut().zip(bytes) {
                                *value = of.with(*value, byte);
                            }
                        }
                    }
                    let bytes = values.map(|value| of.byte(value, rows.len() * columns.len()));
                    // SAFETY: as above.
                    unsafe { output.add(x * target + first).cast::<[u8; TOGETHER]>().write(bytes) };
                }
            }
        }
    }
}

impl Step for Largest {
    fn reads(&self) -> Vec<Place> {
        vec![*self.0.from.place()]
    }

    fn writes(&self) -> Place {
        *self.0.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { self.0.run(context, Most) };
    }
}

impl Step for Means {
    fn reads(&self) -> Vec<Place> {
        vec![*self.0.from.place()]
    }

    fn writes(&self) -> Place {
        *self.0.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let Pool { from, to, .. } = &self.0;
        let of = Sum {
            scales: [from.of().scale, to.of().scale],
            zero: from.zero().into(),
            zero_point: to.of().zero_point as f32,
            bounds: to.of().bounds.map(|bound| bound as f32),
            shift: to.shift(),
        };
        // SAFETY: the program compared the places with the arena.
        unsafe { self.0.run(context, of) };
    }
}
