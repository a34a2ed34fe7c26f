//! From numbers to the nearest integers (QuantizeLinear).

use super::{Dots, Quads, after::nearest, quads::QUAD};
use crate::{
    infer::{
        Place, Source,
        program::{Context, Load, Step},
    },
    level::Loop,
};

/// What comes in, as integers.
#[derive(Debug)]
pub struct Quantise {
    dots: Dots,
    to: Quads,
}

/// A value of the arena, as integers.
#[derive(Debug)]
pub struct Requantise {
    dots: Dots,
    from: Place,
    to: Quads,
}

/// How a number becomes a byte.
#[derive(Clone, Copy)]
struct Rounding {
    scale: f32,
    bounds: [f32; 2],
    zero: i32,
}

impl Rounding {
    fn of(to: &Quads) -> Self {
        let of = to.of();
        let bounds = of.bounds.map(|bound| (bound - of.zero_point) as f32);
        Self { scale: of.scale, bounds, zero: to.zero().into() }
    }

    #[inline(always)]
    fn byte(self, number: f32) -> u8 {
        (nearest(number / self.scale, self.bounds[0], self.bounds[1]) + self.zero) as u8
    }
}

impl Quantise {
    /// To this place, of which each channel comes in as a plane.
    pub fn new(dots: Dots, to: Quads) -> Self {
        Self { dots, to }
    }
}

impl Requantise {
    /// # Panics
    /// If the values are of different sizes.
    pub fn new(dots: Dots, from: Place, to: Quads) -> Self {
        from.check();
        assert!(from.channels == to.channels() && from.size == to.place().size, "values of one size");
        Self { dots, from, to }
    }
}

impl Load for Quantise {
    fn numbers(&self) -> usize {
        self.to.channels() * self.to.place().pixels()
    }
}

impl Step for Quantise {
    fn reads(&self) -> Vec<Place> {
        vec![]
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    fn source(&self) -> Source {
        Source::Input
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        self.dots.run(Planes { to: &self.to, context });
    }
}

impl Step for Requantise {
    fn reads(&self) -> Vec<Place> {
        vec![self.from]
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        self.dots.run(Blocks { step: self, context });
    }
}

struct Planes<'a> {
    to: &'a Quads,
    context: &'a Context<'a>,
}

impl Loop for Planes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { to, context } = self;
        let (rounding, channels, [_, width]) = (Rounding::of(to), to.channels(), to.place().size);
        let (plane, quads) = (to.place().pixels(), to.quads());
        for [image, _, y] in context.rows(to.place()) {
            let row = context.row(to.place(), [image, 0, y]).cast::<[u8; QUAD]>();
            for quad in 0..channels.div_ceil(QUAD) {
                // Where there are too few channels, the last one again.
                let rows: [&[f32]; QUAD] = std::array::from_fn(|at| {
                    let channel = (QUAD * quad + at).min(channels - 1);
                    let first = (image * channels + channel) * plane + y * width;
                    // SAFETY: as many numbers of each image come in as the value has.
                    unsafe { std::slice::from_raw_parts(context.input.add(first), width) }
                });
                for x in 0..width {
                    let bytes = rows.map(|row| rounding.byte(row[x]));
                    // SAFETY: a quad of a pixel.
                    unsafe { row.add(x * quads + quad).write(bytes) };
                }
            }
        }
    }
}

struct Blocks<'a> {
    step: &'a Requantise,
    context: &'a Context<'a>,
}

impl Loop for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Requantise { from, to, .. } = self.step;
        let (rounding, pixel) = (Rounding::of(to), 4 * to.quads());
        let lanes = from.lanes().unwrap_or(1);
        for [image, _, y] in self.context.rows(to.place()) {
            let output = self.context.row(to.place(), [image, 0, y]).cast::<u8>();
            for block in 0..from.blocks() {
                let input = self.context.row(from, [image, block, y]).cast_const();
                let count = lanes.min(from.channels - block * lanes);
                for x in 0..from.size[1] {
                    // SAFETY: channels of a pixel of both, which do not overlap.
                    let (from, to) = unsafe {
                        let to = output.add(x * pixel + block * lanes);
                        let from = std::slice::from_raw_parts(input.add(x * lanes), count);
                        (from, std::slice::from_raw_parts_mut(to, count))
                    };
                    to.iter_mut().zip(from).for_each(|(to, number)| *to = rounding.byte(*number));
                }
            }
        }
    }
}
