//! Elementwise non-linearities as answers need them: in registers, or number by number.
//!
//! Those of an exponential are not in the loop of another layer either, where they would take the registers from
//! the sums: a tile's sums are written down, and bent one by one while the first cache has them ([`bent_by`]). Those
//! that call a function are steps of their own.

use super::{lanes::Lanes, scalar::One};

/// An elementwise non-linearity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// `min(max(x, low), high)`
    Clip(f32, f32),
    /// `x` above 0, and this multiple of it below.
    Leaky(f32),
    /// `x min(max(x + 3, 0), 6) / 6`
    HSwish,
    /// `min(max(x + 3, 0), 6) / 6`
    HSigmoid,
    /// `x Phi(x)`, with the normal distribution's `Phi`
    Gelu,
    /// `x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))`, which is nearly the above.
    GeluTanh,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `x / (1 + exp(-x))`
    Silu,
    /// `x tanh(log(1 + exp(x)))`
    Mish,
    /// `log(1 + exp(x))`
    Softplus,
    /// `x` above 0, and the first multiple of `exp(x) - 1` below, all of it times the second.
    Elu(f32, f32),
}

impl Curve {
    /// `max(x, 0)`
    pub const RELU: Self = Self::Clip(0.0, f32::INFINITY);

    /// What becomes of a number: the same on each processor.
    pub fn of(self, x: f32) -> f32 {
        bent(x, self)
    }

    /// Whether it is done in registers, so that it can be part of another layer.
    pub fn is_in_registers(self) -> bool {
        self.is_short() || matches!(self, Self::Sigmoid | Self::Silu | Self::Gelu | Self::GeluTanh)
    }

    /// Whether it is done while sums are in the registers.
    fn is_short(self) -> bool {
        matches!(self, Self::Clip(..) | Self::Leaky(_) | Self::HSwish | Self::HSigmoid)
    }
}

/// A curve behind sums: its part while these are in registers, and its part behind that.
#[derive(Clone, Copy)]
pub(crate) struct Parted {
    pub(crate) short: Option<Curve>,
    pub(crate) long: Option<Curve>,
}

impl Parted {
    pub(crate) fn of(curve: Option<Curve>) -> Self {
        Self { short: curve.filter(|curve| curve.is_short()), long: curve.filter(|curve| !curve.is_short()) }
    }
}

/// A short curve of each lane.
///
/// # Safety
/// The machine must have the instructions for this register.
#[inline(always)]
pub(crate) unsafe fn bend<V: Lanes>(x: V, curve: Curve) -> V {
    // SAFETY (all): the caller's.
    unsafe {
        match curve {
            Curve::Clip(low, high) => x.at_least(V::splat(low)).at_most(V::splat(high)),
            Curve::Leaky(factor) => {
                let zero = V::splat(0.0);
                x.at_most(zero).multiply_add(V::splat(factor), x.at_least(zero))
            }
            Curve::HSwish => x.times(gate(x)),
            Curve::HSigmoid => gate(x),
            // Others are not short.
            _ => x,
        }
    }
}

/// `min(max(x + 3, 0), 6) / 6`
///
/// # Safety
/// As [`bend`].
#[inline(always)]
unsafe fn gate<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's.
    unsafe {
        let x = x.plus(V::splat(3.0)).at_least(V::splat(0.0)).at_most(V::splat(6.0));
        x.times(V::splat(1.0 / 6.0))
    }
}

/// Does something with the function of a curve of an exponential: once for each, so that no loop asks which one it is,
/// and in the caller, whose instructions are known there.
macro_rules! bent_by {
    ($vector:ty, $curve:expr, $of:ident => $body:block) => {
        match $curve {
            $crate::infer::curve::Curve::Silu => {
                let $of = $crate::infer::curve::silu::<$vector>;
                $body
            }
            $crate::infer::curve::Curve::Sigmoid => {
                let $of = $crate::infer::curve::sigmoid::<$vector>;
                $body
            }
            $crate::infer::curve::Curve::Gelu => {
                let $of = $crate::infer::curve::gelu::<$vector>;
                $body
            }
            $crate::infer::curve::Curve::GeluTanh => {
                let $of = $crate::infer::curve::gelu_tanh::<$vector>;
                $body
            }
            // Layers ask for no others.
            _ => {}
        }
    };
}

pub(crate) use bent_by;

/// A curve of one number. Always inlined, so that loops over a curve that is known are done in registers.
#[inline(always)]
pub(crate) fn bent(x: f32, curve: Curve) -> f32 {
    let clip = |x: f32, low: f32, high: f32| {
        let x = if x < low { low } else { x };
        if x > high { high } else { x }
    };
    let gate = |x: f32| clip(x + 3.0, 0.0, 6.0) * (1.0 / 6.0);
    match curve {
        Curve::Clip(low, high) => clip(x, low, high),
        Curve::Leaky(factor) => {
            if x < 0.0 {
                x * factor
            } else {
                x
            }
        }
        Curve::HSwish => x * gate(x),
        Curve::HSigmoid => gate(x),
        // SAFETY (all): one number needs no instructions.
        Curve::Gelu => unsafe { gelu(One::<false>(x)).0 },
        Curve::GeluTanh => unsafe { gelu_tanh(One::<false>(x)).0 },
        Curve::Sigmoid => unsafe { sigmoid(One::<false>(x)).0 },
        Curve::Tanh => libm::tanhf(x),
        Curve::Silu => unsafe { silu(One::<false>(x)).0 },
        Curve::Mish => x * libm::tanhf(softplus(x)),
        Curve::Softplus => softplus(x),
        Curve::Elu(factor, all) => all * if x < 0.0 { factor * libm::expm1f(x) } else { x },
    }
}

/// `log(1 + exp(x))`
fn softplus(x: f32) -> f32 {
    if x > 0.0 { x + libm::log1pf(libm::expf(-x)) } else { libm::log1pf(libm::expf(x)) }
}

/// `1 / (1 + exp(-x))`
///
/// # Safety (of all)
/// The machine must have the instructions for this register.
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's.
    unsafe { V::splat(1.0).over(decay(x.at_least(V::splat(LEAST)), 1.0)) }
}

/// `x / (1 + exp(-x))`
#[inline(always)]
pub(crate) unsafe fn silu<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's.
    unsafe {
        // What is divided is bounded too: there the quotient is nothing.
        let x = x.at_least(V::splat(LEAST));
        x.over(decay(x, 1.0))
    }
}

/// `x Phi(x)`, which is `max(x, 0) - |x| Phi(-|x|)`, with `Phi(-z)` as `t P(t) exp(-z^2 / 2)` and `t = 1 / (1 + 0.2687 z)`: the
/// form of Abramowitz & Stegun 7.1.26, with a polynomial of degree 8 whose largest relative error is 2e-8.
#[inline(always)]
pub(crate) unsafe fn gelu<V: Lanes>(x: V) -> V {
    const P: [f32; 9] = [
        0.107_205_465,
        0.106_959_93,
        0.101_951_58,
        0.069_331_02,
        0.115_000_23,
        -0.080_714_196,
        0.181_919_11,
        -0.131_135_7,
        0.029_482_57,
    ];
    // SAFETY: the caller's.
    unsafe {
        // Beyond that the tail is nothing.
        let z = x.masked(V::splat(f32::from_bits(0x7FFF_FFFF))).at_most(V::splat(13.0));
        let t = V::splat(1.0).over(z.multiply_add(V::splat(0.268_700_58), V::splat(1.0)));
        let mut of_t = V::splat(P[8]);
        for at in (0..8).rev() {
            of_t = of_t.multiply_add(t, V::splat(P[at]));
        }
        let tail = t.times(of_t).times(decay(z.times(z).times(V::splat(0.5)), 0.0));
        x.at_least(V::splat(0.0)).plus(z.times(tail).times(V::splat(-1.0)))
    }
}

/// `x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))`
#[inline(always)]
pub(crate) unsafe fn gelu_tanh<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's.
    unsafe {
        // There `inner` is -88.004, and the quotient nothing.
        let x = x.at_least(V::splat(-10.03));
        let square = x.times(x);
        let inner = x.times(square.multiply_add(V::splat(1.595_769 * 0.044_715), V::splat(1.595_769)));
        x.over(decay(inner, 1.0))
    }
}

/// Where `exp(-x)` is nearly as large as a number can be.
const LEAST: f32 = -88.0;

/// `exp(-x)` to 2e-7 of it, plus `more`, of numbers that are not below -88.3, without a branch: `2^n exp(-r)` with the
/// nearest whole `n` (Cody & Waite 1980, chapter 6, whose split of `log 2` this is). The polynomial is `1 - r`, and the
/// one of degree 3 times `r^2` whose largest relative error is the least, 1.1e-7. What is not a number stays so.
#[inline(always)]
unsafe fn decay<V: Lanes>(x: V, more: f32) -> V {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    // SAFETY: the caller's.
    unsafe {
        let x = x.at_most(V::splat(87.0));
        let shifted = x.multiply_add(V::splat(-std::f32::consts::LOG2_E), V::splat(WHOLE));
        let n = shifted.plus(V::splat(-WHOLE));
        let r = n.multiply_add(V::splat(-2.121_944_4e-4), n.multiply_add(V::splat(0.693_359_4), x));
        let high = r.multiply_add(V::splat(-0.008_312_5), V::splat(0.041_890_33));
        let high = r.multiply_add(high, V::splat(-0.166_671_16));
        let high = r.multiply_add(high, V::splat(0.499_992_3));
        let of_r = r.times(r).multiply_add(high, V::splat(1.0).plus(r.times(V::splat(-1.0))));
        of_r.multiply_add(shifted.power_of_two(), V::splat(more))
    }
}

/// `exp(x)` of a number that is not above 0, to 4e-7 of it. Always inlined, so that loops over it are done in registers.
#[inline(always)]
pub(crate) fn exp_below(x: f32) -> f32 {
    // SAFETY: one number needs no instructions.
    unsafe { decay(One::<false>(-x), 0.0).0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_near_those_of_f64() {
        for at in -8700..8800 {
            let x = at as f32 / 100.0;
            let expected = f64::from(x).exp();
            // SAFETY: one number needs no instructions.
            let found = unsafe { decay(One::<false>(-x), 0.0).0 };
            let far = (f64::from(found) - expected).abs() / expected;
            assert!(far < 4e-7, "exp({x}) differs by {far:e}");
        }
        let sigmoid = |x| Curve::Sigmoid.of(x);
        assert!(sigmoid(f32::NAN).is_nan() && sigmoid(-1e30) < 1e-37 && sigmoid(1e30) == 1.0);
    }

    #[test]
    fn gelu_is_near_that_of_f64() {
        for at in -1200..1200 {
            let x = at as f32 / 100.0;
            let wide = f64::from(x);
            let expected = wide * 0.5 * libm::erfc(-wide / std::f64::consts::SQRT_2);
            let far = (f64::from(Curve::Gelu.of(x)) - expected).abs();
            assert!(far < 4e-7 * wide.abs().max(1e-3), "gelu({x}) differs by {far:e}");
            assert!(
                x < -5.0 || far <= 2e-6 * expected.abs(),
                "gelu({x}) is {expected:e} and differs by {far:e}"
            );
        }
        assert_eq!([f32::INFINITY, 0.0].map(|x| Curve::Gelu.of(x)), [f32::INFINITY, 0.0]);
    }

    #[test]
    fn curves_that_end_in_nothing_do_so_however_far_below() {
        for curve in [Curve::Silu, Curve::Gelu, Curve::GeluTanh] {
            for x in [-80.0, -100.0, -1e10, -1e38, f32::MIN, f32::NEG_INFINITY] {
                let found = curve.of(x);
                assert!((-1e-30..=0.0).contains(&found), "{curve:?} of {x}: {found}");
            }
            assert!(curve.of(f32::NAN).is_nan());
        }
    }
}
