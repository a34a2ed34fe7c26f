//! Batch normalisation in training.

use burn::{
    backend::Dispatch,
    tensor::{Tensor, module},
};

use super::{
    Epilogue, Ops,
    extension::{Kernels, Maybe},
};

/// What [`Ops::batch_norm_train`] gives.
pub struct BatchNormalized {
    /// The normalised input, with the residual, through the activation.
    pub output: Tensor<4>,
    /// The mean of each channel, `[C]`, without autodiff's tracking.
    pub mean: Tensor<1>,
    /// The biased variance of each channel, `[C]`, likewise.
    pub variance: Tensor<1>,
}

impl Ops {
    /// Batch normalisation with the statistics of the batch, and what comes after it.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`
    /// - `gamma`, `beta`: `[C]`
    pub fn batch_norm_train(
        self,
        x: Tensor<4>,
        gamma: Tensor<1>,
        beta: Tensor<1>,
        epsilon: f64,
        epilogue: Epilogue,
    ) -> BatchNormalized {
        let types =
            [gamma.dtype(), beta.dtype()].into_iter().chain(epilogue.residual.as_ref().map(Tensor::dtype));
        if !(epilogue.fits(&x, [&gamma, &beta]) && self.has_kernels("batch_norm", &x, types)) {
            let found = module::batch_norm_train(x, gamma, beta, epsilon);
            let output = epilogue.apply(found.output);
            return BatchNormalized { output, mean: found.mean, variance: found.variance };
        }
        let (x, gamma, beta) = (x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
        let residual = Maybe::of(epilogue.residual.map(Tensor::into_dispatch));
        let (output, mean, variance) =
            <Dispatch as Kernels>::normalize(x, gamma, beta, residual, epsilon, epilogue.activation);
        BatchNormalized {
            output: Tensor::from_dispatch(output),
            mean: Tensor::from_dispatch(mean),
            variance: Tensor::from_dispatch(variance),
        }
    }
}
