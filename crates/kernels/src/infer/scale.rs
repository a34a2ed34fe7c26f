//! Products with a factor for each channel.

use super::{
    Form, Place,
    elementwise::one_pitch,
    pooling::assert_alike,
    program::{Context, Step},
};
use crate::{Level, level::Loop};

/// A value times a factor for each of its channels.
#[derive(Debug)]
pub struct Scale {
    level: Level,
    from: Place,
    factor: Place,
    to: Place,
}

impl Scale {
    /// # Panics
    /// If the places are of different sizes or forms, or the factors have more than one pixel.
    pub fn new(level: Level, from: Place, factor: Place, to: Place) -> Self {
        assert_alike(&from, &to);
        assert_alike(&factor, &to);
        assert!(from.size == to.size && factor.size == [1, 1], "values of one size, and a factor each");
        Self { level, from, factor, to }
    }
}

impl Step for Scale {
    fn reads(&self) -> Vec<Place> {
        vec![self.from, self.factor]
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let pitch = one_pitch([&self.from, &self.to]);
        // SAFETY (all): the program compared the places with the arena.
        unsafe {
            match pitch {
                // What lies between rows comes from there.
                Some(_) => context.clear_ends(&self.to),
                None => context.clear_rims(&self.to),
            }
        }
        self.level.run(Scaled { scale: self, context, pitch });
    }
}

struct Scaled<'a> {
    scale: &'a Scale,
    context: &'a Context<'a>,
    /// From one row to the next, where values lie channel by channel and alike.
    pitch: Option<usize>,
}

impl Loop for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match (self.scale.to.form, self.pitch) {
            (Form::Blocked { lanes: 16, .. }, _) => self.rows::<16>(),
            (Form::Blocked { lanes: 8, .. }, _) => self.rows::<8>(),
            (Form::Blocked { lanes: 4, .. }, _) => self.rows::<4>(),
            (Form::Blocked { .. }, _) => unreachable!("no register has so many lanes"),
            (Form::Planar { .. }, None) => self.rows::<1>(),
            (Form::Planar { .. }, Some(pitch)) => self.planes(pitch),
        }
    }
}

impl Scaled<'_> {
    #[inline(always)]
    fn rows<const L: usize>(&self) {
        let Scale { from, factor, to, .. } = self.scale;
        for [image, block, y] in self.context.rows(to) {
            let factors = self.context.row(factor, [image, block, 0]).cast::<[f32; L]>();
            let input = self.context.row(from, [image, block, y]).cast::<[f32; L]>();
            let output = self.context.row(to, [image, block, y]).cast::<[f32; L]>();
            // SAFETY (all): numbers of a row, and the factor of each lane, read once: whoever writes might write there.
            let factors = unsafe { *factors };
            for x in 0..to.size[1] {
                let mut values = unsafe { *input.add(x) };
                for l in 0..L {
                    values[l] *= factors[l];
                }
                unsafe { *output.add(x) = values };
            }
        }
    }

    /// A channel at once, with the zeros between its rows, which stay zeros: short rows would be done number by number.
    #[inline(always)]
    fn planes(&self, pitch: usize) {
        let Scale { from, factor, to, .. } = self.scale;
        let [height, width] = to.size;
        for plane in self.context.planes(to) {
            let input = self.context.row(from, plane);
            let output = self.context.row(to, plane);
            // SAFETY (all): numbers of rows and zeros between them, and the channel's factor.
            let factor = unsafe { *self.context.row(factor, plane) };
            for at in 0..(height - 1) * pitch + width {
                unsafe { *output.add(at) = *input.add(at) * factor };
            }
            if !factor.is_finite() {
                for y in 1..height {
                    unsafe { output.add(y * pitch + width - pitch).write_bytes(0, pitch - width) };
                }
            }
        }
    }
}
