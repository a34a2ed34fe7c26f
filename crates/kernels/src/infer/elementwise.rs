//! What is done number by number: sums, activations, and products with a factor for each channel.

use super::{
    Form, Place,
    epilogue::bent,
    pooling::assert_alike,
    program::{Context, Step},
};
use crate::{Activation, Level, level::Loop};

/// The sum of two values, through an activation.
#[derive(Debug)]
pub struct Add {
    level: Level,
    from: [Place; 2],
    to: Place,
    activation: Option<Activation>,
}

/// A value through an activation.
#[derive(Debug)]
pub struct Curved {
    level: Level,
    from: Place,
    to: Place,
    activation: Option<Activation>,
}

/// A value times a factor for each of its channels.
#[derive(Debug)]
pub struct Scale {
    level: Level,
    from: Place,
    factor: Place,
    to: Place,
}

impl Add {
    /// # Panics
    /// If the places are of different sizes or forms.
    pub fn new(level: Level, from: [Place; 2], to: Place, activation: Option<Activation>) -> Self {
        for from in &from {
            assert_alike(from, &to);
            assert_eq!(from.size, to.size, "values of one size");
        }
        Self { level, from, to, activation }
    }
}

impl Curved {
    /// # Panics
    /// If the places are of different sizes or forms.
    pub fn new(level: Level, from: Place, to: Place, activation: Option<Activation>) -> Self {
        assert_alike(&from, &to);
        assert_eq!(from.size, to.size, "values of one size");
        Self { level, from, to, activation }
    }
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

impl Step for Add {
    fn reads(&self) -> Vec<Place> {
        self.from.to_vec()
    }

    fn writes(&self) -> Place {
        self.to
    }

    fn is_in_place(&self) -> bool {
        true
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let [a, b] = &self.from;
        // SAFETY (all): the program compared the places with the arena.
        unsafe {
            context.clear_rims(&self.to);
            let activation = self.activation;
            let sum = |x: f32, other: f32| bent(x + other, activation);
            match activation {
                // So that it is known when this is compiled.
                None => rows(self.level, context, [a, b], &self.to, |x, other| x + other),
                Some(Activation::Relu) => rows(self.level, context, [a, b], &self.to, |x, other| {
                    let sum = x + other;
                    if sum < 0.0 { 0.0 } else { sum }
                }),
                Some(_) => rows(self.level, context, [a, b], &self.to, sum),
            }
        }
    }
}

impl Step for Curved {
    fn reads(&self) -> Vec<Place> {
        vec![self.from]
    }

    fn writes(&self) -> Place {
        self.to
    }

    fn is_in_place(&self) -> bool {
        true
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let from = &self.from;
        // SAFETY (all): the program compared the places with the arena.
        unsafe {
            context.clear_rims(&self.to);
            let activation = self.activation;
            match activation {
                Some(Activation::Relu) => {
                    rows(self.level, context, [from, from], &self.to, |x, _| if x < 0.0 { 0.0 } else { x });
                }
                _ => rows(self.level, context, [from, from], &self.to, |x, _| bent(x, activation)),
            }
        }
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
        // SAFETY: the program compared the places with the arena.
        unsafe { context.clear_rims(&self.to) };
        self.level.run(Scaled { scale: self, context });
    }
}

/// A function of two values at each pixel of this thread's rows.
///
/// # Safety
/// The places must lie in the arena.
unsafe fn rows(
    level: Level,
    context: &Context<'_>,
    from: [&Place; 2],
    to: &Place,
    f: impl Fn(f32, f32) -> f32,
) {
    level.run(Pairs { context, from, to, f });
}

struct Pairs<'a, F> {
    context: &'a Context<'a>,
    from: [&'a Place; 2],
    to: &'a Place,
    f: F,
}

impl<F: Fn(f32, f32) -> f32> Loop for Pairs<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let count = self.to.size[1] * self.to.steps()[1];
        for row in self.context.rows(self.to) {
            let [a, b] = self.from.map(|place| self.context.row(place, row).cast_const());
            let to = self.context.row(self.to, row);
            for at in 0..count {
                // SAFETY: numbers of a row, each read before it is written.
                unsafe { *to.add(at) = (self.f)(*a.add(at), *b.add(at)) };
            }
        }
    }
}

struct Scaled<'a> {
    scale: &'a Scale,
    context: &'a Context<'a>,
}

impl Loop for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Scale { from, factor, to, .. } = self.scale;
        let lanes = match to.form {
            Form::Blocked { lanes, .. } => lanes,
            Form::Planar { .. } => 1,
        };
        for [image, block, y] in self.context.rows(to) {
            let factors = self.context.row(factor, [image, block, 0]);
            let (input, output) =
                (self.context.row(from, [image, block, y]), self.context.row(to, [image, block, y]));
            for x in 0..to.size[1] {
                for l in 0..lanes {
                    // SAFETY: numbers of a row, and the factor of each lane.
                    unsafe { *output.add(x * lanes + l) = *input.add(x * lanes + l) * *factors.add(l) };
                }
            }
        }
    }
}
