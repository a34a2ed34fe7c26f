//! Batch normalisation in evaluation.

use burn::{
    backend::Dispatch,
    tensor::{Tensor, module},
};

use super::{
    Epilogue, Ops,
    extension::{Kernels, Maybe},
};

impl Ops {
    /// Batch normalisation with given statistics, and what comes after it. The kernel
    /// computes `scale x + shift` with `scale = gamma / sqrt(variance + epsilon)` and
    /// `shift = beta - mean scale`, as PyTorch's does.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`
    /// - all others: `[C]`
    pub fn batch_norm(
        self,
        x: Tensor<4>,
        [gamma, beta]: [Tensor<1>; 2],
        [mean, variance]: [Tensor<1>; 2],
        epsilon: f64,
        epilogue: Epilogue,
    ) -> Tensor<4> {
        let of_channels = [&gamma, &beta, &mean, &variance];
        let types = of_channels.map(Tensor::dtype);
        let types = types.into_iter().chain(epilogue.residual.as_ref().map(Tensor::dtype));
        if !(epilogue.fits(&x, of_channels) && self.has_kernels("affine", &x, types)) {
            return epilogue.apply(module::batch_norm(x, gamma, beta, mean, variance, epsilon));
        }
        let scale = gamma / (variance + epsilon).sqrt();
        let shift = beta - mean * scale.clone();
        let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
        let residual = Maybe::of(epilogue.residual.map(Tensor::into_dispatch));
        Tensor::from_dispatch(<Dispatch as Kernels>::affine(x, scale, shift, residual, epilogue.activation))
    }
}
