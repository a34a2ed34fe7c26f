//! Elementwise non-linearities as answers need them: in registers, or number by number.
//!
//! Those that need an exponential or an error function are no part of another layer's loop: a call there takes
//! the registers from the sums.

use super::lanes::Lanes;
use crate::number::Number;

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
    pub fn is_short(self) -> bool {
        matches!(self, Self::Clip(..) | Self::Leaky(_) | Self::HSwish | Self::HSigmoid)
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
            // Layers ask for short ones only.
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
        Curve::Gelu => x * 0.5 * (1.0 + Number::erf(x * std::f32::consts::FRAC_1_SQRT_2)),
        Curve::GeluTanh => x * sigmoid(1.595_769 * (x + 0.044_715 * x * x * x)),
        Curve::Sigmoid => sigmoid(x),
        Curve::Tanh => libm::tanhf(x),
        Curve::Silu => x * sigmoid(x),
        Curve::Mish => x * libm::tanhf(softplus(x)),
        Curve::Softplus => softplus(x),
        Curve::Elu(factor, all) => all * if x < 0.0 { factor * libm::expm1f(x) } else { x },
    }
}

/// `1 / (1 + exp(-x))`
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x))
}

/// `log(1 + exp(x))`
fn softplus(x: f32) -> f32 {
    if x > 0.0 { x + libm::log1pf(libm::expf(-x)) } else { libm::log1pf(libm::expf(x)) }
}

/// `exp(x)` to 2e-7 of it, without a branch: `2^n exp(r)` with the nearest whole `n` and the series of `exp` (Cody &
/// Waite 1980, chapter 6, whose split of `log 2` this is). What is not a number stays so.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + WHOLE;
    let n = shifted - WHOLE;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let series = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series));
    let of_r = 1.0 + (r + r * r * series);
    // `n` becomes the exponent.
    of_r * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_near_those_of_f64() {
        for at in -8700..8800 {
            let x = at as f32 / 100.0;
            let expected = f64::from(x).exp();
            let far = (f64::from(exponential(x)) - expected).abs() / expected;
            assert!(far < 4e-7, "exp({x}) differs by {far:e}");
        }
        assert!(exponential(f32::NAN).is_nan() && sigmoid(-1e30) < 1e-37 && sigmoid(1e30) == 1.0);
    }
}
