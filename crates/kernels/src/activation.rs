//! The elementwise non-linearities.

use serde::{Deserialize, Serialize};

use crate::number::Number;

/// An elementwise non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x min(max(x + 3, 0), 6) / 6` (Howard et al. 2019, section 5.2)
    HSwish,
    /// `min(max(x + 3, 0), 6) / 6`
    HSigmoid,
    /// `x Phi(x)`, with the normal distribution's `Phi` (Hendrycks & Gimpel 2016)
    Gelu,
}

impl Activation {
    /// Does something with the curve of an activation, or with none: so loops are
    /// compiled for each, and choose outside.
    #[inline(always)]
    pub(crate) fn choose<J: ForCurve>(activation: Option<Self>, job: J) -> J::Output {
        match activation {
            None => job.with(Identity),
            Some(Self::Relu) => job.with(Relu),
            Some(Self::Relu6) => job.with(Relu6),
            Some(Self::HSwish) => job.with(HSwish),
            Some(Self::HSigmoid) => job.with(HSigmoid),
            Some(Self::Gelu) => job.with(Gelu),
        }
    }
}

/// What is done alike for every curve.
pub(crate) trait ForCurve {
    type Output;

    fn with<C: Curve>(self, curve: C) -> Self::Output;
}

/// A function of one number. What is not a number stays so, and where a curve has
/// a corner its slope is what PyTorch says it is.
pub(crate) trait Curve: Copy + Send + Sync {
    fn at<T: Number>(self, x: T) -> T;

    /// The slope at `x` times `dy`.
    fn back<T: Number>(self, x: T, dy: T) -> T;
}

/// `x`
#[derive(Clone, Copy)]
pub(crate) struct Identity;

impl Curve for Identity {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn back<T: Number>(self, _x: T, dy: T) -> T {
        dy
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Curve for Relu {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        if x < T::ZERO { T::ZERO } else { x }
    }

    #[inline(always)]
    fn back<T: Number>(self, x: T, dy: T) -> T {
        if x <= T::ZERO { T::ZERO } else { dy }
    }
}

#[derive(Clone, Copy)]
struct Relu6;

impl Curve for Relu6 {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        clamped(x)
    }

    #[inline(always)]
    fn back<T: Number>(self, x: T, dy: T) -> T {
        if (x <= T::ZERO) | (x >= T::from_f64(6.0)) { T::ZERO } else { dy }
    }
}

#[derive(Clone, Copy)]
struct HSwish;

impl Curve for HSwish {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        x * HSigmoid.at(x)
    }

    #[inline(always)]
    fn back<T: Number>(self, x: T, dy: T) -> T {
        let between = dy * (x * T::from_f64(1.0 / 3.0) + T::from_f64(0.5));
        let above = if x >= T::from_f64(3.0) { dy } else { between };
        if x <= T::from_f64(-3.0) { T::ZERO } else { above }
    }
}

#[derive(Clone, Copy)]
struct HSigmoid;

impl Curve for HSigmoid {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        clamped(x + T::from_f64(3.0)) * T::from_f64(1.0 / 6.0)
    }

    #[inline(always)]
    fn back<T: Number>(self, x: T, dy: T) -> T {
        let is_flat = (x <= T::from_f64(-3.0)) | (x >= T::from_f64(3.0));
        if is_flat { T::ZERO } else { dy * T::from_f64(1.0 / 6.0) }
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Curve for Gelu {
    #[inline(always)]
    fn at<T: Number>(self, x: T) -> T {
        x * below(x)
    }

    #[inline(always)]
    fn back<T: Number>(self, x: T, dy: T) -> T {
        const ROOT: f64 = 0.398_942_280_401_432_7; // 1 / sqrt(2 pi)
        let density = T::from_f64(ROOT) * (x * x * T::from_f64(-0.5)).exp();
        dy * (below(x) + x * density)
    }
}

/// `min(max(x, 0), 6)`
#[inline(always)]
fn clamped<T: Number>(x: T) -> T {
    let x = if x < T::ZERO { T::ZERO } else { x };
    if x > T::from_f64(6.0) { T::from_f64(6.0) } else { x }
}

/// The share of the normal distribution below `x`.
#[inline(always)]
fn below<T: Number>(x: T) -> T {
    T::from_f64(0.5) * (T::from_f64(1.0) + (x * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
}
