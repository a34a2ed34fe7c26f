//! Activations that stand alone.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::{
    Activation, Level,
    activation::{Curve, ForCurve},
    level::Loop,
    map::map,
    memory::written,
    number::Number,
};

/// Values of a task: enough to be worth one, few enough to stay in a cache.
const SHARE: usize = 1 << 14;

pub(crate) fn activated<T: Number>(level: Level, activation: Activation, x: &[T]) -> Vec<T> {
    let write = |out: &mut [MaybeUninit<T>]| {
        let shares = out.par_chunks_mut(SHARE).zip(x.par_chunks(SHARE));
        shares.for_each(|(out, x)| Activation::choose(Some(activation), Forward { level, x, out }));
    };
    // SAFETY: each share is written whole.
    unsafe { written(x.len(), write) }
}

pub(crate) fn activated_back<T: Number>(level: Level, activation: Activation, x: &[T], dy: &[T]) -> Vec<T> {
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

impl<T: Number> ForCurve for Forward<'_, T> {
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

impl<T: Number> ForCurve for Backward<'_, T> {
    type Output = ();

    fn with<C: Curve>(self, curve: C) {
        self.level.run(Along { rows: self, curve });
    }
}

struct Along<R, C> {
    rows: R,
    curve: C,
}

impl<T: Number, C: Curve> Loop for Along<Forward<'_, T>, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let curve = self.curve;
        map([self.rows.x], self.rows.out, |[x]| curve.at(x));
    }
}

impl<T: Number, C: Curve> Loop for Along<Backward<'_, T>, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let curve = self.curve;
        map([self.rows.x, self.rows.dy], self.rows.out, |[x, dy]| curve.back(x, dy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Float, activate, activate_backward};

    const ALL: [Activation; 5] =
        [Activation::Relu, Activation::Relu6, Activation::HSwish, Activation::HSigmoid, Activation::Gelu];

    /// Shares are cut and vectors end where they may: each value is what it is alone.
    fn is_each_alone<T: Float>() {
        for count in [0, 1, SHARE - 1, SHARE + 1, 3 * SHARE] {
            let number = |i: usize, seed: usize| T::from_f64(((i * 7919 + seed) % 1009) as f64 / 60.0 - 8.0);
            let (x, dy): (Vec<T>, Vec<T>) = (0..count).map(|i| (number(i, 1), number(i, 2))).unzip();
            for (level, activation) in Level::available().flat_map(|level| ALL.map(|a| (level, a))) {
                let (y, dx) =
                    (activate(level, activation, &x), activate_backward(level, activation, &x, &dy));
                assert_eq!((y.len(), dx.len()), (count, count));
                for i in (0..count).step_by(101).chain(count.checked_sub(1)) {
                    let alone = activate(Level::Portable, activation, &x[i..=i])[0];
                    assert_eq!(y[i], alone, "{activation:?} at {level:?}");
                    let alone = activate_backward(Level::Portable, activation, &x[i..=i], &dy[i..=i])[0];
                    assert_eq!(dx[i], alone, "slope of {activation:?} at {level:?}");
                }
            }
        }
    }

    #[test]
    fn each_value_is_what_it_is_alone() {
        is_each_alone::<f32>();
        is_each_alone::<f64>();
    }

    /// PyTorch 2.15: the gradients of `relu`, `relu6`, `hardswish` and `hardsigmoid` there.
    #[test]
    fn corners_have_the_slopes_that_pytorch_gives_them() {
        let corners = [-3.0f32, 0.0, 3.0, 6.0];
        for (activation, expected) in [
            (Activation::Relu, [0.0, 0.0, 1.0, 1.0]),
            (Activation::Relu6, [0.0, 0.0, 1.0, 0.0]),
            (Activation::HSwish, [0.0, 0.5, 1.0, 1.0]),
            (Activation::HSigmoid, [0.0, 1.0 / 6.0, 0.0, 0.0]),
        ] {
            for level in Level::available() {
                let found = activate_backward(level, activation, &corners, &[1.0; 4]);
                assert_eq!(found, expected, "{activation:?} at {level:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for (level, activation) in Level::available().flat_map(|level| ALL.map(|a| (level, a))) {
            assert!(
                activate(level, activation, &[f32::NAN; 9]).into_iter().all(f32::is_nan),
                "{activation:?}"
            );
        }
    }
}
