//! Activations that stand alone.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::{
    Activation, Float, Level,
    activation::{Curve, ForCurve},
    level::Loop,
    map::map,
    memory::written,
};

/// Values of a task: enough to be worth one, few enough to stay in a cache.
const SHARE: usize = 1 << 14;

/// The activation of each value.
pub fn activate<T: Float>(level: Level, activation: Activation, x: &[T]) -> Vec<T> {
    let write = |out: &mut [MaybeUninit<T>]| {
        let shares = out.par_chunks_mut(SHARE).zip(x.par_chunks(SHARE));
        shares.for_each(|(out, x)| Activation::choose(Some(activation), Forward { level, x, out }));
    };
    // SAFETY: each share is written whole.
    unsafe { written(x.len(), write) }
}

/// The gradient of each value, for that of its activation.
///
/// # Panics
/// If there are not as many of both.
pub fn activate_backward<T: Float>(level: Level, activation: Activation, x: &[T], dy: &[T]) -> Vec<T> {
    assert_eq!(x.len(), dy.len(), "each value has a gradient");
    let write = |out: &mut [MaybeUninit<T>]| {
        let shares = out.par_chunks_mut(SHARE).zip(x.par_chunks(SHARE)).zip(dy.par_chunks(SHARE));
        shares
            .for_each(|((out, x), dy)| Activation::choose(Some(activation), Backward { level, x, dy, out }));
    };
    // SAFETY: each share is written whole.
    unsafe { written(x.len(), write) }
}

struct Forward<'a, T> {
    level: Level,
    x: &'a [T],
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Float> ForCurve for Forward<'_, T> {
    type Output = ();

    fn with<C: Curve>(self, curve: C) {
        self.level.run(Along { rows: self, curve });
    }
}

struct Backward<'a, T> {
    level: Level,
    x: &'a [T],
    dy: &'a [T],
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Float> ForCurve for Backward<'_, T> {
    type Output = ();

    fn with<C: Curve>(self, curve: C) {
        self.level.run(Along { rows: self, curve });
    }
}

struct Along<R, C> {
    rows: R,
    curve: C,
}

impl<T: Float, C: Curve> Loop for Along<Forward<'_, T>, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let curve = self.curve;
        map([self.rows.x], self.rows.out, |[x]| curve.at(x));
    }
}

impl<T: Float, C: Curve> Loop for Along<Backward<'_, T>, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let curve = self.curve;
        map([self.rows.x, self.rows.dy], self.rows.out, |[x, dy]| curve.back(x, dy));
    }
}
