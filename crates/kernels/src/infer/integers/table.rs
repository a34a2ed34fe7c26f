//! A function of each integer, by a table of all of them.

use super::{Quads, after::nearest};
use crate::{
    exact::Integers,
    infer::{
        Place,
        program::{Context, Step},
    },
};

/// A function of each integer: there are 256, so each result is computed once, before anything runs.
#[derive(Debug)]
pub struct Table {
    from: Quads,
    to: Quads,
    bytes: [u8; 256],
}

impl Table {
    /// What becomes of the numbers that integers stand for, as the nearest integer of the other value.
    ///
    /// # Panics
    /// If the values are of different sizes.
    pub fn of((from, to): (Quads, Quads), function: impl Fn(f32) -> f32) -> Self {
        let number = |q: i32| (q - from.of().zero_point) as f32 * from.of().scale;
        Self::new((from, to), |q| rounded(function(number(q)), to.of()))
    }

    /// What becomes of an integer of the one value is an integer of the other.
    ///
    /// # Panics
    /// If the values are of different sizes, or bytes do not hold a result.
    pub fn new((from, to): (Quads, Quads), function: impl Fn(i32) -> i32) -> Self {
        assert!(
            from.channels() == to.channels() && from.quads() == to.quads(),
            "values of the same channels"
        );
        assert_eq!(from.place().size, to.place().size, "values of one size");
        let byte = |byte: usize| {
            let [low, high] = from.of().bounds;
            // What is no integer of the value never comes.
            let result = function((byte as i32 - from.shift()).clamp(low, high));
            u8::try_from(result + to.shift()).unwrap_or_else(|_| panic!("no byte holds {result}"))
        };
        Self { from, to, bytes: std::array::from_fn(byte) }
    }
}

/// The nearest integer of a number (QuantizeLinear).
pub(crate) fn rounded(number: f32, of: &Integers) -> i32 {
    let [low, high] = of.bounds.map(|bound| (bound - of.zero_point) as f32);
    nearest(number / of.scale, low, high) + of.zero_point
}

impl Step for Table {
    fn reads(&self) -> Vec<Place> {
        vec![*self.from.place()]
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let (from, to) = (self.from.place(), self.to.place());
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(to, self.to.zero()) };
        let count = to.size[1] * 4 * self.to.quads();
        for row in context.rows(to) {
            // SAFETY: the bytes of a row, which the program found to be there and apart.
            let (from, to) = unsafe {
                let from = context.row(from, row).cast_const().cast::<u8>();
                let to = context.row(to, row).cast::<u8>();
                (std::slice::from_raw_parts(from, count), std::slice::from_raw_parts_mut(to, count))
            };
            for (from, to) in from.iter().zip(to) {
                *to = self.bytes[usize::from(*from)];
            }
        }
    }
}
