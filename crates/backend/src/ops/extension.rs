//! The kernels as an extension of Burn's backends.

use burn::backend::{Backend, ExtensionType, backend_extension, tensor::FloatTensor};
use sapwood_kernels::{Activation, AdamWStep, Convolution, SgdStep};

/// A tensor or none: what [`Option`] is to everybody else, extensions cannot pass on.
#[derive(Clone, Debug, ExtensionType)]
pub(crate) enum Maybe<B: Backend> {
    Given(FloatTensor<B>),
    Absent,
}

impl<B: Backend> Maybe<B> {
    pub(crate) fn of(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Self::Absent, Self::Given)
    }

    pub(crate) fn get(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Given(tensor) => Some(tensor),
            Self::Absent => None,
        }
    }
}

/// What there are kernels for. Nobody calls these where there are none: see
/// [`Ops`](super::Ops).
#[backend_extension(Flex: cfg(feature = "flex"), Autodiff)]
pub(crate) trait Kernels: Backend {
    /// A convolution.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        sizes: Convolution,
    ) -> FloatTensor<Self>;

    /// Batch normalisation with the statistics of the batch; output, mean and biased
    /// variance.
    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        #[extension_type] residual: Maybe<Self>,
        epsilon: f64,
        activation: Option<Activation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// A scale and a shift for each channel.
    fn affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        #[extension_type] residual: Maybe<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self>;

    /// An activation of each value.
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// The sum of the last dimension, which stays with size 1, in the order of the level's
    /// registers.
    fn sum_last(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The last dimension, of size 1, so often.
    fn spread_last(x: FloatTensor<Self>, times: usize) -> FloatTensor<Self>;

    /// A matrix product, whose sums are cut where every machine cuts them.
    fn product(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self>;

    /// One step of stochastic gradient descent: weight and momentum.
    fn sgd(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        momentum: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// One step of Adam: weight, mean and mean square.
    fn adamw(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The gradients of the kernels, for autodiff.
pub(crate) trait KernelGradients: Kernels {
    /// Of a convolution's input.
    fn convolve_input_gradient(
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        sizes: &Convolution,
    ) -> FloatTensor<Self>;

    /// Of a convolution's weight.
    fn convolve_weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        sizes: &Convolution,
    ) -> FloatTensor<Self>;

    /// Of a convolution's bias.
    fn convolve_bias_gradient(dy: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Of a normalisation's input, scale and shift, and of its residual.
    fn normalize_gradients(
        saved: Normalized<Self>,
        dy: FloatTensor<Self>,
    ) -> ([FloatTensor<Self>; 3], Option<FloatTensor<Self>>);

    /// Of input, scale and shift, and of the residual.
    fn affine_gradients(
        saved: Scaled<Self>,
        dy: FloatTensor<Self>,
    ) -> ([FloatTensor<Self>; 3], Option<FloatTensor<Self>>);

    /// Of an activation's values.
    fn activate_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

/// What a normalisation leaves for its gradients.
#[derive(Clone, Debug)]
pub(crate) struct Normalized<B: Backend> {
    pub(crate) x: FloatTensor<B>,
    pub(crate) gamma: FloatTensor<B>,
    pub(crate) beta: FloatTensor<B>,
    pub(crate) mean: FloatTensor<B>,
    pub(crate) variance: FloatTensor<B>,
    pub(crate) residual: Option<FloatTensor<B>>,
    pub(crate) epsilon: f64,
    pub(crate) activation: Option<Activation>,
}

/// What a scaling leaves for its gradients.
#[derive(Clone, Debug)]
pub(crate) struct Scaled<B: Backend> {
    pub(crate) x: FloatTensor<B>,
    pub(crate) scale: FloatTensor<B>,
    pub(crate) shift: FloatTensor<B>,
    pub(crate) residual: Option<FloatTensor<B>>,
    pub(crate) activation: Option<Activation>,
}
