//! The largest value or the mean of windows, and of whole planes.

use std::ops::Range;

use super::{
    Form, Place, Window,
    program::{Context, Step},
};
use crate::{Level, level::Loop};

/// What becomes of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest one.
    Largest,
    /// Their mean; what lies beyond the input is not counted.
    Mean,
    /// Their mean, where the rows and columns before the input, and this number behind it, count as zeros.
    MeanWithPadding([usize; 2]),
}

/// One value for each window.
#[derive(Debug)]
pub struct Pool {
    level: Level,
    from: Place,
    to: Place,
    window: Window,
    pooling: Pooling,
}

impl Pool {
    /// # Panics
    /// If the places have other channels or forms, or a window has gaps or sees nothing of the input.
    pub fn new(level: Level, (from, to): (Place, Place), window: Window, pooling: Pooling) -> Self {
        assert_alike(&from, &to);
        window.assert_meets(from.size, to.size);
        assert_eq!(window.dilation, [1, 1], "windows without gaps");
        Self { level, from, to, window, pooling }
    }
}

/// Compares what goes block by block.
pub(crate) fn assert_alike(from: &Place, to: &Place) {
    from.check();
    to.check();
    assert!(from.channels == to.channels && from.lanes() == to.lanes(), "values of the same form");
}

impl Step for Pool {
    fn reads(&self) -> Vec<Place> {
        vec![self.from]
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.clear_rims(&self.to) };
        self.level.run(Pooled { pool: self, context });
    }
}

struct Pooled<'a> {
    pool: &'a Pool,
    context: &'a Context<'a>,
}

impl Loop for Pooled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.pool.to.form {
            Form::Blocked { lanes: 16, .. } => self.sweep::<16>(),
            Form::Blocked { lanes: 8, .. } => self.sweep::<8>(),
            Form::Blocked { lanes: 4, .. } => self.sweep::<4>(),
            Form::Blocked { .. } => unreachable!("no register has so many lanes"),
            Form::Planar { .. } => self.sweep::<1>(),
        }
    }
}

impl Pooled<'_> {
    #[inline(always)]
    fn sweep<const L: usize>(&self) {
        let Pool { from, to, window, pooling, .. } = self.pool;
        let row = from.steps()[0];
        for [image, block, y] in self.context.rows(to) {
            let output = self.context.row(to, [image, block, y]);
            let input = self.context.row(from, [image, block, 0]);
            let Range { start: top, end: bottom } = window.within(0, y, from.size[0]);
            for x in 0..to.size[1] {
                let Range { start: left, end: right } = window.within(1, x, from.size[1]);
                let begin = if *pooling == Pooling::Largest { f32::NEG_INFINITY } else { 0.0 };
                let (mut found, mut no_numbers) = ([begin; L], [0; L]);
                for from_y in top..bottom {
                    for from_x in left..right {
                        // SAFETY: a pixel of the input.
                        let values = unsafe { &*input.add(from_y * row + from_x * L).cast::<[f32; L]>() };
                        for l in 0..L {
                            found[l] = match pooling {
                                // One instruction passes over what is not a number, which is noted beside it.
                                Pooling::Largest if values[l] > found[l] => values[l],
                                Pooling::Largest => found[l],
                                _ => found[l] + values[l],
                            };
                            no_numbers[l] |= u32::from(values[l].is_nan());
                        }
                    }
                }
                let count = match pooling {
                    Pooling::Largest => {
                        for (found, no_number) in found.iter_mut().zip(no_numbers) {
                            *found = if no_number == 0 { *found } else { f32::NAN };
                        }
                        None
                    }
                    Pooling::Mean => Some((bottom - top) * (right - left)),
                    Pooling::MeanWithPadding(after) => {
                        let counted = |axis: usize, at: usize| {
                            let end = window.before[axis] + from.size[axis] + after[axis];
                            (end - at * window.stride[axis]).min(window.kernel[axis])
                        };
                        Some(counted(0, y) * counted(1, x))
                    }
                };
                if let Some(count) = count {
                    found = found.map(|sum| sum / count as f32);
                }
                // SAFETY: a pixel of the output.
                unsafe { output.add(x * L).cast::<[f32; L]>().write(found) };
            }
        }
    }
}

/// The mean of each channel.
#[derive(Debug)]
pub struct Mean {
    level: Level,
    from: Place,
    to: Place,
}

impl Mean {
    /// # Panics
    /// If the places have other channels or forms, or the output more than one pixel.
    pub fn new(level: Level, from: Place, to: Place) -> Self {
        assert_alike(&from, &to);
        assert_eq!(to.size, [1, 1], "one mean for each channel");
        Self { level, from, to }
    }
}

impl Step for Mean {
    fn reads(&self) -> Vec<Place> {
        vec![self.from]
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.clear_rims(&self.to) };
        self.level.run(Meaned { mean: self, context });
    }
}

struct Meaned<'a> {
    mean: &'a Mean,
    context: &'a Context<'a>,
}

impl Loop for Meaned<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.mean.to.form {
            Form::Blocked { lanes: 16, .. } => self.blocks::<16>(),
            Form::Blocked { lanes: 8, .. } => self.blocks::<8>(),
            Form::Blocked { lanes: 4, .. } => self.blocks::<4>(),
            Form::Blocked { .. } => unreachable!("no register has so many lanes"),
            Form::Planar { .. } => self.planes(),
        }
    }
}

impl Meaned<'_> {
    #[inline(always)]
    fn blocks<const L: usize>(&self) {
        let Mean { from, to, .. } = self.mean;
        let [height, width] = from.size;
        let row = from.steps()[0];
        for [image, block, _] in self.context.rows(to) {
            let input = self.context.row(from, [image, block, 0]);
            let mut total = [0.0f32; L];
            for y in 0..height {
                // Row by row and by four pixels: shorter sums are more exact, and wait less for each other.
                let mut sums = [[0.0f32; L]; 4];
                // SAFETY (all): pixels of the input.
                let row = input.wrapping_add(y * row).cast::<[f32; L]>();
                for x in 0..width / 4 {
                    for (part, sums) in sums.iter_mut().enumerate() {
                        let values = unsafe { *row.add(4 * x + part) };
                        for l in 0..L {
                            sums[l] += values[l];
                        }
                    }
                }
                for x in width / 4 * 4..width {
                    let values = unsafe { *row.add(x) };
                    for l in 0..L {
                        sums[0][l] += values[l];
                    }
                }
                for l in 0..L {
                    total[l] += (sums[0][l] + sums[1][l]) + (sums[2][l] + sums[3][l]);
                }
            }
            let output = self.context.row(to, [image, block, 0]);
            let count = (height * width) as f32;
            // SAFETY: the output's pixel.
            unsafe { output.cast::<[f32; L]>().write(total.map(|sum| sum / count)) };
        }
    }

    /// Sums of every 16th number of a plane, with the zeros between its rows, and then of these.
    #[inline(always)]
    fn planes(&self) {
        const LANES: usize = 16;
        let Mean { from, to, .. } = self.mean;
        let [height, width] = from.size;
        let numbers = (height - 1) * from.steps()[0] + width;
        for [image, channel, _] in self.context.rows(to) {
            let input = self.context.row(from, [image, channel, 0]);
            let mut sums = [0.0f32; LANES];
            for piece in 0..numbers / LANES {
                // SAFETY (all): numbers from the first pixel to the last one.
                let values = unsafe { *input.add(piece * LANES).cast::<[f32; LANES]>() };
                for l in 0..LANES {
                    sums[l] += values[l];
                }
            }
            for at in numbers / LANES * LANES..numbers {
                sums[at % LANES] += unsafe { *input.add(at) };
            }
            let mut count = LANES;
            while count > 1 {
                count /= 2;
                for l in 0..count {
                    sums[l] += sums[l + count];
                }
            }
            // SAFETY: the output's pixel.
            unsafe { *self.context.row(to, [image, channel, 0]) = sums[0] / (height * width) as f32 };
        }
    }
}
