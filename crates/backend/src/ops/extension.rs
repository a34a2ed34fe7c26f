//! The operations as an extension of Burn's backends, and their definitions.

use burn::backend::{Backend, backend_extension, ops::ConvOptions, tensor::FloatTensor};

/// Each method's body is its definition. Backends without a kernel of ours use it.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "vulkan", feature = "metal", feature = "webgpu", feature = "cuda")),
    Autodiff,
)]
pub(crate) trait TrainingOps: Backend {
    /// A convolution.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, None, options)
    }

    /// A convolution with bias.
    fn convolve_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, Some(bias), options)
    }

    /// The gradient of a convolution's input, for its output's.
    fn convolve_input_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_x_backward(x, weight, dy, options)
    }

    /// The gradient of a convolution's weight, for its output's.
    fn convolve_weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_weight_backward(x, weight, dy, options)
    }

    /// The gradient of a convolution's bias, for its output's.
    fn convolve_bias_gradient(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::conv2d_bias_backward(x, bias, dy)
    }

    /// Batch normalisation with the statistics of the batch; output, mean and
    /// biased variance.
    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let found = Self::batch_norm_train(x, gamma, beta, epsilon);
        (found.output, found.mean, found.variance)
    }

    /// The gradients of input, scale and shift of a normalisation.
    fn normalize_gradients(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let found = Self::batch_norm_train_backward(x, gamma, mean, variance, epsilon, dy);
        (found.x_grad, found.gamma_grad, found.beta_grad)
    }
}

#[cfg(feature = "ndarray")]
impl TrainingOps for burn::backend::NdArray {}

#[cfg(any(feature = "vulkan", feature = "metal", feature = "webgpu", feature = "cuda"))]
impl TrainingOps for burn::backend::Cube {}
