//! The sum of two values of integers.

use super::{Dots, Quads, after::Line, after::nearest};
use crate::{
    exact::Integers,
    infer::{
        Place,
        program::{Context, Step},
    },
    level::Loop,
};

/// The sum of two values (QLinearAdd).
#[derive(Debug)]
pub struct Add {
    dots: Dots,
    from: [Quads; 2],
    to: Quads,
    line: Line,
}

impl Add {
    /// A sum of these numbers, whose bounds an activation makes tighter.
    ///
    /// # Panics
    /// If the values are of different sizes, or their scales too far apart.
    pub fn new(dots: Dots, from: [Quads; 2], to: Quads, result: &Integers) -> Self {
        for from in &from {
            assert!(
                from.channels() == to.channels()
                    && from.place().size == to.place().size
                    && from.quads() == to.quads(),
                "values of one size"
            );
        }
        let [a, c] = &from;
        let line = Line::new([a.of(), c.of()], result, [a.shift(), c.shift(), to.shift()]);
        Self { dots, from, to, line }
    }
}

impl Step for Add {
    fn reads(&self) -> Vec<Place> {
        self.from.map(|from| *from.place()).to_vec()
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        self.dots.run(Added { add: self, context });
    }
}

struct Added<'a> {
    add: &'a Add,
    context: &'a Context<'a>,
}

impl Loop for Added<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Add { from, to, line, .. } = self.add;
        let ([ra, rc], [low, high], [of_a, of_c, of_y]) = (line.factors, line.bounds, line.shifts);
        let count = to.place().size[1] * 4 * to.quads();
        for row in self.context.rows(to.place()) {
            let [a, c] = [0, 1].map(|at| self.context.row(from[at].place(), row).cast_const().cast::<u8>());
            let to = self.context.row(to.place(), row).cast::<u8>();
            // SAFETY: the bytes of a row, which the program found to be there and apart.
            let (a, c, to) = unsafe {
                let [a, c] = [a, c].map(|row| std::slice::from_raw_parts(row, count));
                (a, c, std::slice::from_raw_parts_mut(to, count))
            };
            for ((a, c), to) in a.iter().zip(c).zip(to) {
                let [a, c] = [(i32::from(*a) - of_a) as f32, (i32::from(*c) - of_c) as f32];
                let sum = a.mul_add(ra, c.mul_add(rc, line.fixed));
                *to = (nearest(sum, low, high) + of_y) as u8;
            }
        }
    }
}
