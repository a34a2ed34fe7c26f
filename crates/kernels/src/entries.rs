//! Where callers enter: functions that are compiled in this crate, once for each type.
//!
//! Generic functions are compiled by the crate that chooses their type, as its Cargo profile
//! says. Those that a [`Float`](crate::Float) lets others call only lead here.

use crate::{
    Activation, AdamWStep, Affine, AffineGradients, Convolution, Level, Normalization, Normalized,
    NormalizedGradients, SgdStep, Size, elementwise, size,
};

/// What there is for a type of number; sealed, since nobody else can name it.
pub trait Entries: Sized {
    /// [`Convolution::forward`]
    fn convolve(
        convolution: &Convolution,
        level: Level,
        x: &[Self],
        weight: &[Self],
        bias: Option<&[Self]>,
    ) -> Vec<Self>;

    /// [`Convolution::input_gradient`]
    fn input_gradient(convolution: &Convolution, level: Level, dy: &[Self], weight: &[Self]) -> Vec<Self>;

    /// [`Convolution::weight_gradient`]
    fn weight_gradient(convolution: &Convolution, level: Level, x: &[Self], dy: &[Self]) -> Vec<Self>;

    /// [`channel_sums`](crate::channel_sums)
    fn channel_sums(level: Level, size: Size, dy: &[Self]) -> Vec<Self>;

    /// [`Normalization::forward`]
    fn normalize(
        normalization: &Normalization<'_, Self>,
        x: &[Self],
        residual: Option<&[Self]>,
    ) -> Normalized<Self>;

    /// [`Normalization::backward`]
    fn normalize_back(
        normalization: &Normalization<'_, Self>,
        x: &[Self],
        residual: Option<&[Self]>,
        statistics: (&[Self], &[Self]),
        dy: &[Self],
    ) -> NormalizedGradients<Self>;

    /// [`Affine::forward`]
    fn affine(affine: &Affine<'_, Self>, x: &[Self], residual: Option<&[Self]>) -> Vec<Self>;

    /// [`Affine::backward`]
    fn affine_back(
        affine: &Affine<'_, Self>,
        x: &[Self],
        residual: Option<&[Self]>,
        dy: &[Self],
    ) -> AffineGradients<Self>;

    /// [`activate`](crate::activate)
    fn activate(level: Level, activation: Activation, x: &[Self]) -> Vec<Self>;

    /// [`activate_backward`](crate::activate_backward)
    fn activate_back(level: Level, activation: Activation, x: &[Self], dy: &[Self]) -> Vec<Self>;

    /// [`SgdStep::run`]
    fn sgd(step: &SgdStep, level: Level, w: &mut [Self], g: &[Self], b: &mut [Self]);

    /// [`AdamWStep::run`]
    fn adamw(step: &AdamWStep, level: Level, w: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]);
}

/// Never inlined: what is would be compiled by the caller after all.
macro_rules! entries {
    ($number:ty) => {
        impl Entries for $number {
            #[inline(never)]
            fn convolve(
                convolution: &Convolution,
                level: Level,
                x: &[Self],
                weight: &[Self],
                bias: Option<&[Self]>,
            ) -> Vec<Self> {
                convolution.output_of(level, x, weight, bias)
            }

            #[inline(never)]
            fn input_gradient(
                convolution: &Convolution,
                level: Level,
                dy: &[Self],
                weight: &[Self],
            ) -> Vec<Self> {
                convolution.input_gradient_of(level, dy, weight)
            }

            #[inline(never)]
            fn weight_gradient(
                convolution: &Convolution,
                level: Level,
                x: &[Self],
                dy: &[Self],
            ) -> Vec<Self> {
                convolution.weight_gradient_of(level, x, dy)
            }

            #[inline(never)]
            fn channel_sums(level: Level, size: Size, dy: &[Self]) -> Vec<Self> {
                size::sums_of(level, size, dy)
            }

            #[inline(never)]
            fn normalize(
                normalization: &Normalization<'_, Self>,
                x: &[Self],
                residual: Option<&[Self]>,
            ) -> Normalized<Self> {
                normalization.output_of(x, residual)
            }

            #[inline(never)]
            fn normalize_back(
                normalization: &Normalization<'_, Self>,
                x: &[Self],
                residual: Option<&[Self]>,
                statistics: (&[Self], &[Self]),
                dy: &[Self],
            ) -> NormalizedGradients<Self> {
                normalization.gradients_of(x, residual, statistics, dy)
            }

            #[inline(never)]
            fn affine(affine: &Affine<'_, Self>, x: &[Self], residual: Option<&[Self]>) -> Vec<Self> {
                affine.output_of(x, residual)
            }

            #[inline(never)]
            fn affine_back(
                affine: &Affine<'_, Self>,
                x: &[Self],
                residual: Option<&[Self]>,
                dy: &[Self],
            ) -> AffineGradients<Self> {
                affine.gradients_of(x, residual, dy)
            }

            #[inline(never)]
            fn activate(level: Level, activation: Activation, x: &[Self]) -> Vec<Self> {
                elementwise::activated(level, activation, x)
            }

            #[inline(never)]
            fn activate_back(level: Level, activation: Activation, x: &[Self], dy: &[Self]) -> Vec<Self> {
                elementwise::activated_back(level, activation, x, dy)
            }

            #[inline(never)]
            fn sgd(step: &SgdStep, level: Level, w: &mut [Self], g: &[Self], b: &mut [Self]) {
                step.take(level, w, g, b);
            }

            #[inline(never)]
            fn adamw(
                step: &AdamWStep,
                level: Level,
                w: &mut [Self],
                g: &[Self],
                m: &mut [Self],
                v: &mut [Self],
            ) {
                step.take(level, w, g, m, v);
            }
        }
    };
}

entries!(f32);
entries!(f64);
