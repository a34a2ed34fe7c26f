//! One step of an optimiser in one pass over a parameter.

use rayon::prelude::*;

use crate::{Level, level::Loop, number::Number};

/// Values of a task.
const SHARE: usize = 1 << 14;

/// A step of stochastic gradient descent with momentum, for gradient `g`:
///
/// ```text
/// g <- g + decay w
/// b <- momentum b + g
/// w <- w - rate b            or, with Nesterov,  w <- w - rate (g + momentum b)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// The learning rate.
    pub rate: f64,
    /// The weight decay.
    pub decay: f64,
    /// How much of the momentum is kept.
    pub momentum: f64,
    /// Whether the step looks ahead.
    pub nesterov: bool,
}

/// A step of Adam with decoupled weight decay, the parameter's `count`-th, for
/// gradient `g`:
///
/// ```text
/// w <- w (1 - rate decay)
/// m <- b1 m + (1 - b1) g
/// v <- b2 v + (1 - b2) g^2
/// w <- w - rate / (1 - b1^count) * m / (sqrt(v) / sqrt(1 - b2^count) + epsilon)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// The learning rate.
    pub rate: f64,
    /// The weight decay.
    pub decay: f64,
    /// How much of the mean and of the mean square is kept.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub epsilon: f64,
    /// From 1.
    pub count: usize,
}

impl SgdStep {
    pub(crate) fn take<T: Number>(&self, level: Level, w: &mut [T], g: &[T], b: &mut [T]) {
        assert!(w.len() == g.len() && w.len() == b.len(), "each weight has a gradient and a momentum");
        let shares = w.par_chunks_mut(SHARE).zip(g.par_chunks(SHARE)).zip(b.par_chunks_mut(SHARE));
        shares.for_each(|((w, g), b)| level.run(SgdShare { step: *self, w, g, b }));
    }
}

impl AdamWStep {
    pub(crate) fn take<T: Number>(&self, level: Level, w: &mut [T], g: &[T], m: &mut [T], v: &mut [T]) {
        let lengths = [g.len(), m.len(), v.len()];
        assert_eq!(lengths, [w.len(); 3], "each weight has a gradient, a mean and a mean square");
        let slots = m.par_chunks_mut(SHARE).zip(v.par_chunks_mut(SHARE));
        let shares = w.par_chunks_mut(SHARE).zip(g.par_chunks(SHARE)).zip(slots);
        shares.for_each(|((w, g), (m, v))| level.run(AdamWShare { step: *self, w, g, m, v }));
    }
}

struct SgdShare<'a, T> {
    step: SgdStep,
    w: &'a mut [T],
    g: &'a [T],
    b: &'a mut [T],
}

impl<T: Number> Loop for SgdShare<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [rate, decay, momentum] = [self.step.rate, self.step.decay, self.step.momentum].map(T::from_f64);
        let is_ahead = self.step.nesterov;
        for ((w, g), b) in self.w.iter_mut().zip(self.g).zip(self.b) {
            let g = *g + decay * *w;
            *b = momentum * *b + g;
            *w = *w - rate * (if is_ahead { g + momentum * *b } else { *b });
        }
    }
}

struct AdamWShare<'a, T> {
    step: AdamWStep,
    w: &'a mut [T],
    g: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
}

impl<T: Number> Loop for AdamWShare<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let AdamWStep { rate, decay, betas: [b1, b2], epsilon, count } = self.step;
        let shrink = T::from_f64(1.0 - rate * decay);
        let (step, root) = (rate / (1.0 - b1.powf(count as f64)), (1.0 - b2.powf(count as f64)).sqrt());
        let [step, root, epsilon] = [step, root, epsilon].map(T::from_f64);
        let ([b1, c1], [b2, c2]) = ([b1, 1.0 - b1].map(T::from_f64), [b2, 1.0 - b2].map(T::from_f64));
        for ((w, g), (m, v)) in self.w.iter_mut().zip(self.g).zip(self.m.iter_mut().zip(self.v)) {
            *m = b1 * *m + c1 * *g;
            *v = b2 * *v + c2 * *g * *g;
            *w = shrink * *w - step * (*m / (v.sqrt() / root + epsilon));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Float;

    fn numbers<T: Float>(count: usize, seed: usize) -> Vec<T> {
        (0..count).map(|i| T::from_f64(((i * 7919 + seed) % 1009) as f64 / 504.5 - 1.0)).collect()
    }

    fn close<T: Float>(found: &[T], expected: impl Fn(usize) -> f64) -> bool {
        let far = |(i, found): (usize, &T)| (found.to_f64() - expected(i)).abs();
        found.iter().enumerate().all(|at| far(at) <= 3.0 * T::TOLERANCE)
    }

    /// Both rules by their formulas, value by value in f64, at lengths around a share's.
    fn are_their_formulas<T: Float>() {
        for (level, count) in
            Level::available().flat_map(|level| [0, 1, SHARE - 1, SHARE + 1, 3 * SHARE].map(|c| (level, c)))
        {
            let (w, g, b): (Vec<T>, Vec<T>, Vec<T>) =
                (numbers(count, 1), numbers(count, 2), numbers(count, 3));
            let [w0, g0, b0] = [&w, &g, &b].map(|v| v.iter().map(|x| x.to_f64()).collect::<Vec<f64>>());
            for nesterov in [false, true] {
                let (mut w, mut b) = (w.clone(), b.clone());
                SgdStep { rate: 0.1, decay: 0.01, momentum: 0.9, nesterov }.run(level, &mut w, &g, &mut b);
                let decayed = |i: usize| g0[i] + 0.01 * w0[i];
                let momentum = |i: usize| 0.9 * b0[i] + decayed(i);
                let ahead = |i: usize| if nesterov { decayed(i) + 0.9 * momentum(i) } else { momentum(i) };
                assert!(close(&b, momentum), "momentum at {level:?}");
                assert!(close(&w, |i| w0[i] - 0.1 * ahead(i)), "sgd at {level:?}, ahead: {nesterov}");
            }
            let (mut w, mut m, mut v): (_, _, Vec<T>) =
                (w.clone(), b.clone(), b.iter().map(|x| *x * *x).collect());
            let step = AdamWStep { rate: 0.1, decay: 0.01, betas: [0.9, 0.99], epsilon: 1e-2, count: 3 };
            step.run(level, &mut w, &g, &mut m, &mut v);
            let mean = |i: usize| 0.9 * b0[i] + 0.1 * g0[i];
            let square = |i: usize| 0.99 * b0[i] * b0[i] + 0.01 * g0[i] * g0[i];
            assert!(close(&m, mean) && close(&v, square), "means at {level:?}");
            let direction = |i: usize| {
                let corrected = mean(i) / (1.0 - 0.9f64.powi(3));
                corrected / ((square(i) / (1.0 - 0.99f64.powi(3))).sqrt() + 1e-2)
            };
            assert!(close(&w, |i| w0[i] * (1.0 - 0.001) - 0.1 * direction(i)), "adamw at {level:?}");
        }
    }

    #[test]
    fn steps_are_their_formulas() {
        are_their_formulas::<f32>();
        are_their_formulas::<f64>();
    }
}
