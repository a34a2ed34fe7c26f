//! Where callers enter: functions that are compiled in this crate, once for each type.
//!
//! Generic functions are compiled by the crate that chooses their type, as its Cargo profile
//! says. Those that others call stand here, and only lead to what a [`Float`] has of its own.

use crate::{
    Activation, AdamWStep, Affine, AffineGradients, Convolution, Level, Normalization, Normalized,
    NormalizedGradients, SgdStep, Size, elementwise, number::Number, size,
};

/// f32 or f64: the kernels are written once for both. Sealed, since nobody else can name what it
/// builds on, and since both are compiled in this crate.
pub trait Float: Number {
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

    /// [`channel_sums`]
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

    /// [`activate`]
    fn activate(level: Level, activation: Activation, x: &[Self]) -> Vec<Self>;

    /// [`activate_backward`]
    fn activate_back(level: Level, activation: Activation, x: &[Self], dy: &[Self]) -> Vec<Self>;

    /// [`SgdStep::run`]
    fn sgd(step: &SgdStep, level: Level, w: &mut [Self], g: &[Self], b: &mut [Self]);

    /// [`AdamWStep::run`]
    fn adamw(step: &AdamWStep, level: Level, w: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]);
}

/// Never inlined: what is would be compiled by the caller after all.
macro_rules! entries {
    ($number:ty) => {
        impl Float for $number {
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

impl Convolution {
    /// # Shapes
    /// `[N, C, H, W]`, `[O, C/groups, kh, kw]` and `[O]` to `[N, O, OH, OW]`
    ///
    /// # Panics
    /// If something is empty, the kernel reaches beyond the padded input, or a slice is not of its shape.
    pub fn forward<T: Float>(&self, level: Level, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        T::convolve(self, level, x, weight, bias)
    }

    /// # Shapes
    /// `[N, O, OH, OW]` and `[O, C/groups, kh, kw]` to `[N, C, H, W]`
    ///
    /// # Panics
    /// As [`Convolution::forward`].
    pub fn input_gradient<T: Float>(&self, level: Level, dy: &[T], weight: &[T]) -> Vec<T> {
        T::input_gradient(self, level, dy, weight)
    }

    /// # Shapes
    /// `[N, C, H, W]` and `[N, O, OH, OW]` to `[O, C/groups, kh, kw]`
    ///
    /// # Panics
    /// As [`Convolution::forward`].
    pub fn weight_gradient<T: Float>(&self, level: Level, x: &[T], dy: &[T]) -> Vec<T> {
        T::weight_gradient(self, level, x, dy)
    }
}

impl<T: Float> Normalization<'_, T> {
    /// # Shapes
    /// `[N, C, plane]` to the same
    ///
    /// # Panics
    /// If a tensor is not of the size.
    pub fn forward(&self, x: &[T], residual: Option<&[T]>) -> Normalized<T> {
        T::normalize(self, x, residual)
    }

    /// The gradients for that of the output, of the same shape, and for the statistics that
    /// [`Normalization::forward`] gave. With `g` the gradient of what the activation sees, `z`
    /// the normalised input and means over a channel:
    /// `dx = gamma / sqrt(variance + epsilon) (g - mean(g) - z mean(g z))`.
    ///
    /// # Panics
    /// If a tensor is not of the size.
    pub fn backward(
        &self,
        x: &[T],
        residual: Option<&[T]>,
        statistics: (&[T], &[T]),
        dy: &[T],
    ) -> NormalizedGradients<T> {
        T::normalize_back(self, x, residual, statistics, dy)
    }
}

impl<T: Float> Affine<'_, T> {
    /// # Shapes
    /// `[N, C, plane]` to the same
    ///
    /// # Panics
    /// If a tensor is not of the size.
    pub fn forward(&self, x: &[T], residual: Option<&[T]>) -> Vec<T> {
        T::affine(self, x, residual)
    }

    /// The gradients for that of the output, of the same shape.
    ///
    /// # Panics
    /// If a tensor is not of the size.
    pub fn backward(&self, x: &[T], residual: Option<&[T]>, dy: &[T]) -> AffineGradients<T> {
        T::affine_back(self, x, residual, dy)
    }
}

impl SgdStep {
    /// Moves a weight `w` and its momentum `b`.
    ///
    /// # Panics
    /// If they are not of one length.
    pub fn run<T: Float>(&self, level: Level, w: &mut [T], g: &[T], b: &mut [T]) {
        T::sgd(self, level, w, g, b);
    }
}

impl AdamWStep {
    /// Moves a weight `w`, the mean `m` of its gradients, and that of their squares, `v`.
    ///
    /// # Panics
    /// If they are not of one length.
    pub fn run<T: Float>(&self, level: Level, w: &mut [T], g: &[T], m: &mut [T], v: &mut [T]) {
        T::adamw(self, level, w, g, m, v);
    }
}

/// The sum of each channel: the gradient of a bias.
///
/// # Shapes
/// `[N, C, plane]` to `[C]`
///
/// # Panics
/// If the tensor is not of this size.
pub fn channel_sums<T: Float>(level: Level, size: Size, dy: &[T]) -> Vec<T> {
    T::channel_sums(level, size, dy)
}

/// The activation of each value.
pub fn activate<T: Float>(level: Level, activation: Activation, x: &[T]) -> Vec<T> {
    T::activate(level, activation, x)
}

/// The gradient of each value, for that of its activation.
///
/// # Panics
/// If there are not as many of both.
pub fn activate_backward<T: Float>(level: Level, activation: Activation, x: &[T], dy: &[T]) -> Vec<T> {
    T::activate_back(level, activation, x, dy)
}
