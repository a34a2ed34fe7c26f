//! From integers to the numbers that they stand for (DequantizeLinear).

use super::{Dots, Quads};
use crate::{
    infer::{
        Place,
        program::{Context, Step},
    },
    level::Loop,
};

/// A value of integers, as the numbers that they stand for.
#[derive(Debug)]
pub struct Floats {
    dots: Dots,
    from: Quads,
    to: Place,
}

impl Floats {
    /// # Panics
    /// If the values are of different sizes.
    pub fn new(dots: Dots, from: Quads, to: Place) -> Self {
        to.check();
        assert!(to.channels == from.channels() && to.size == from.place().size, "values of one size");
        Self { dots, from, to }
    }
}

impl Step for Floats {
    fn reads(&self) -> Vec<Place> {
        vec![*self.from.place()]
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.clear_rims(&self.to) };
        self.dots.run(Blocks { step: self, context });
    }
}

struct Blocks<'a> {
    step: &'a Floats,
    context: &'a Context<'a>,
}

impl Loop for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Floats { from, to, .. } = self.step;
        let (scale, zero, pixel) = (from.of().scale, i32::from(from.zero()), 4 * from.quads());
        let lanes = to.lanes().unwrap_or(1);
        for [image, block, y] in self.context.rows(to) {
            let input = self.context.row(from.place(), [image, 0, y]).cast_const().cast::<u8>();
            let output = self.context.row(to, [image, block, y]);
            let count = lanes.min(to.channels - block * lanes);
            for x in 0..to.size[1] {
                // SAFETY: channels of a pixel of both, which do not overlap.
                let (from, to) = unsafe {
                    let from = std::slice::from_raw_parts(input.add(x * pixel + block * lanes), count);
                    (from, std::slice::from_raw_parts_mut(output.add(x * lanes), lanes))
                };
                let (own, others) = to.split_at_mut(count);
                own.iter_mut()
                    .zip(from)
                    .for_each(|(to, byte)| *to = (i32::from(*byte) - zero) as f32 * scale);
                others.fill(0.0);
            }
        }
    }
}
