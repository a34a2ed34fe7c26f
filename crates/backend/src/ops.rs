//! Operations that training spends its time on.
//!
//! Each is defined by a plain composition of Burn's own operations. On the CPU
//! backend, in f32 and f64, a kernel of ours computes the same; everywhere else the
//! composition is what runs.

mod autodiff;
mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::{
    backend::Dispatch,
    tensor::{Tensor, ops::ConvOptions},
};

use extension::TrainingOps;

/// A two-dimensional convolution.
///
/// # Shapes
/// - `x`: `[N, C, H, W]`
/// - `weight`: `[O, C/groups, kh, kw]`
/// - `bias`: `[O]`
/// - returns: `[N, O, H', W']`
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    Tensor::from_dispatch(match bias {
        Some(bias) => <Dispatch as TrainingOps>::convolve_with_bias(x, weight, bias.into_dispatch(), options),
        None => <Dispatch as TrainingOps>::convolve(x, weight, options),
    })
}

/// What [`batch_norm_train`] gives.
pub struct BatchNormalized {
    /// The normalised input.
    pub output: Tensor<4>,
    /// The mean of each channel, `[C]`, without autodiff's tracking.
    pub mean: Tensor<1>,
    /// The biased variance of each channel, `[C]`, likewise.
    pub variance: Tensor<1>,
}

/// Batch normalisation with the statistics of the batch.
///
/// # Shapes
/// - `x`: `[N, C, H, W]`
/// - `gamma`, `beta`: `[C]`
pub fn batch_norm_train(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> BatchNormalized {
    let (x, gamma, beta) = (x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    let (output, mean, variance) = <Dispatch as TrainingOps>::normalize(x, gamma, beta, epsilon);
    BatchNormalized {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
