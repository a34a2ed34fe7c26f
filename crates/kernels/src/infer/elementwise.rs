//! What is done number by number: sums and activations.

use super::{
    Form, Place,
    curve::{Curve, bent},
    pooling::assert_alike,
    program::{Context, Step},
};
use crate::{Level, level::Loop};

/// The sum of two values, through an activation.
#[derive(Debug)]
pub struct Add {
    level: Level,
    from: [Place; 2],
    to: Place,
    curve: Option<Curve>,
}

/// A value through an activation.
#[derive(Debug)]
pub struct Curved {
    level: Level,
    from: Place,
    to: Place,
    curve: Curve,
}

impl Add {
    /// # Panics
    /// If the places are of different sizes or forms.
    pub fn new(level: Level, from: [Place; 2], to: Place, curve: Option<Curve>) -> Self {
        for from in &from {
            assert_alike(from, &to);
            assert_eq!(from.size, to.size, "values of one size");
        }
        Self { level, from, to, curve }
    }
}

impl Curved {
    /// # Panics
    /// If the places are of different sizes or forms.
    pub fn new(level: Level, from: Place, to: Place, curve: Curve) -> Self {
        assert_alike(&from, &to);
        assert_eq!(from.size, to.size, "values of one size");
        Self { level, from, to, curve }
    }
}

impl Step for Add {
    fn reads(&self) -> Vec<Place> {
        self.from.to_vec()
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let [a, b] = &self.from;
        // SAFETY (all): the program compared the places with the arena.
        unsafe {
            context.clear_rims(&self.to);
            match self.curve {
                None => rows(self.level, context, [a, b], &self.to, |x, other| x + other),
                Some(curve) => of_curve(
                    curve,
                    OfRows {
                        level: self.level,
                        context,
                        from: [a, b],
                        to: &self.to,
                        first: |x, other| x + other,
                    },
                ),
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

    unsafe fn run(&self, context: &Context<'_>) {
        let from = &self.from;
        // SAFETY (all): the program compared the places with the arena.
        unsafe {
            context.clear_rims(&self.to);
            let Self { level, to, curve, .. } = self;
            of_curve(*curve, OfRows { level: *level, context, from: [from, from], to, first: |x, _| x });
        }
    }
}

/// What a curve is of, at each pixel of this thread's rows.
struct OfRows<'a, F> {
    level: Level,
    context: &'a Context<'a>,
    from: [&'a Place; 2],
    to: &'a Place,
    first: F,
}

/// Does it by a loop of its own for each kind of curve, whose branches are gone then.
///
/// # Safety
/// The places must lie in the arena.
unsafe fn of_curve<F: Fn(f32, f32) -> f32>(curve: Curve, of: OfRows<'_, F>) {
    let OfRows { level, context, from, to, first } = of;
    macro_rules! kinds {
        ($($kind:ident $(($($value:ident),*))?),*) => {
            match curve {
                $(Curve::$kind $(($($value),*))? => {
                    let f = |x, other| bent(first(x, other), Curve::$kind $(($($value),*))?);
                    // SAFETY: the caller's.
                    unsafe { rows(level, context, from, to, f) }
                })*
            }
        };
    }
    kinds!(
        Clip(low, high),
        Leaky(factor),
        HSwish,
        HSigmoid,
        Gelu,
        GeluTanh,
        Sigmoid,
        Tanh,
        Silu,
        Mish,
        Softplus,
        Elu(factor, all)
    );
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
        let width = self.to.size[1] * self.to.steps()[1];
        let [a, b] = self.from;
        match one_pitch([a, b, self.to]).filter(|_| (self.f)(0.0, 0.0) == 0.0) {
            // A channel at once, with the zeros between its rows, which are this thread's to clear: short rows would
            // be done number by number.
            Some(pitch) => {
                for plane in self.context.planes(self.to) {
                    self.stretch(plane, (self.to.size[0] - 1) * pitch + width);
                }
            }
            None => {
                for row in self.context.rows(self.to) {
                    self.stretch(row, width);
                }
            }
        }
    }
}

impl<F: Fn(f32, f32) -> f32> Pairs<'_, F> {
    /// This number of numbers from a row's first one on.
    #[inline(always)]
    fn stretch(&self, row: [usize; 3], count: usize) {
        let [a, b] = self.from.map(|place| self.context.row(place, row).cast_const());
        let to = self.context.row(self.to, row);
        for at in 0..count {
            // SAFETY: numbers of rows, and zeros between them.
            unsafe { *to.add(at) = (self.f)(*a.add(at), *b.add(at)) };
        }
    }
}

/// From one row to the next, where values lie channel by channel and all alike.
pub(crate) fn one_pitch<const N: usize>(places: [&Place; N]) -> Option<usize> {
    let pitch = |place: &Place| match place.form {
        Form::Planar { pitch, .. } => Some(pitch),
        Form::Blocked { .. } => None,
    };
    pitch(places[0]).filter(|first| places.iter().all(|place| pitch(place) == Some(*first)))
}
