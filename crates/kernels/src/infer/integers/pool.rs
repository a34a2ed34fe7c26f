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
        window.assert_meets(from.place().size, to.place().size);
        Self { dots, from, to, window }
    }

    /// Which rows or columns a window has within the input.
    #[inline(always)]
    fn within(&self, axis: usize, at: usize) -> std::ops::Range<usize> {
        self.window.within(axis, at, self.from.place().size[axis])
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
    /// Of windows of `kernel` rows and columns.
    ///
    /// # Panics
    /// If the values have other channels, or windows lie beyond the input.
    pub fn new(dots: Dots, (from, to): (Quads, Quads), kernel: usize) -> Self {
        Self(Pool::new(dots, (from, to), Window::new([kernel; 2], [kernel; 2])))
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
        unsafe { context.fill_rims(self.0.to.place(), self.0.to.zero()) };
        self.0.dots.run(OfLargest { pool: &self.0, context });
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
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(self.0.to.place(), self.0.to.zero()) };
        self.0.dots.run(OfMeans { pool: &self.0, context });
    }
}

struct OfLargest<'a> {
    pool: &'a Pool,
    context: &'a Context<'a>,
}

impl Loop for OfLargest<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pool, context } = self;
        let (from, to) = (pool.from.place(), pool.to.place());
        let pixel = 4 * pool.from.quads();
        let row = 4 * from.steps()[0];
        for [image, block, y] in context.rows(to) {
            let input = context.row(from, [image, block, 0]).cast_const().cast::<u8>();
            let output = context.row(to, [image, block, y]).cast::<u8>();
            for x in 0..to.size[1] {
                // SAFETY (all): all channels of a pixel, which the program found to be there and apart.
                let to = unsafe { std::slice::from_raw_parts_mut(output.add(x * pixel), pixel) };
                to.fill(0);
                for y in pool.within(0, y) {
                    for x in pool.within(1, x) {
                        let from =
                            unsafe { std::slice::from_raw_parts(input.add(y * row + x * pixel), pixel) };
                        for (to, from) in to.iter_mut().zip(from) {
                            *to = (*to).max(*from);
                        }
                    }
                }
            }
        }
    }
}

struct OfMeans<'a> {
    pool: &'a Pool,
    context: &'a Context<'a>,
}

impl Loop for OfMeans<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pool: Pool { from, to, .. }, context } = self;
        let (pool, zero, of) = (self.pool, i32::from(from.zero()), to.of());
        let [low, high] = of.bounds.map(|bound| bound as f32);
        let [pixel, target] = [from, to].map(|quads| 4 * quads.quads());
        let row = 4 * from.place().steps()[0];
        for [image, block, y] in context.rows(to.place()) {
            let input = context.row(from.place(), [image, block, 0]).cast_const().cast::<u8>();
            let output = context.row(to.place(), [image, block, y]).cast::<u8>();
            let rows = pool.within(0, y);
            for x in 0..to.place().size[1] {
                let columns = pool.within(1, x);
                for first in (0..to.channels()).step_by(TOGETHER) {
                    let mut sums = [0.0f32; TOGETHER];
                    for (y, x) in rows.clone().flat_map(|y| columns.clone().map(move |x| (y, x))) {
                        // SAFETY: channels of a pixel, for which there is room.
                        let bytes =
                            unsafe { input.add(y * row + x * pixel + first).cast::<[u8; TOGETHER]>().read() };
                        for (sum, byte) in sums.iter_mut().zip(bytes) {
                            *sum += from.of().scale * (i32::from(byte) - zero) as f32;
                        }
                    }
                    let count = (rows.len() * columns.len()) as f32;
                    let bytes = sums.map(|sum| {
                        let mean = sum / count / of.scale + of.zero_point as f32;
                        (nearest(mean, low, high) + to.shift()) as u8
                    });
                    // SAFETY: as above.
                    unsafe { output.add(x * target + first).cast::<[u8; TOGETHER]>().write(bytes) };
                }
            }
        }
    }
}
