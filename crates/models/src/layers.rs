//! The layers that have parameters.

use burn::{
    module::{Module, Param},
    prelude::Device,
    tensor::{
        Tensor,
        module::{batch_norm, linear},
        ops::ConvOptions,
    },
};
use sapwood_backend::{batch_norm_train, conv2d};
use sapwood_core::{ConvSpec, Moments, Norm, Pass};

/// A two-dimensional convolution.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in/groups, kh, kw]`
    pub weight: Param<Tensor<4>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Conv2d {
    pub(crate) fn new(spec: ConvSpec, device: &Device) -> Self {
        let shape = [spec.outputs, spec.inputs / spec.groups, spec.kernel, spec.kernel];
        Self { weight: zeros(shape, device), bias: spec.bias.then(|| zeros([spec.outputs], device)) }
    }

    /// # Shapes
    /// `[N, in, H, W]` to `[N, out, H', W']`
    pub(crate) fn forward(&self, x: Tensor<4>, spec: ConvSpec) -> Tensor<4> {
        let options = ConvOptions::new([spec.stride; 2], [spec.padding; 2], [1, 1], spec.groups);
        conv2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), options)
    }
}

/// A fully connected layer.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[in, out]`, Burn's layout; everything flat or on file is `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    pub(crate) fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self { weight: zeros([inputs, outputs], device), bias: bias.then(|| zeros([outputs], device)) }
    }

    /// # Shapes
    /// `[N, in, 1, 1]` to `[N, out, 1, 1]`
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = linear(x.flatten::<2>(1, 3), self.weight.val(), self.bias.as_ref().map(Param::val));
        y.unsqueeze_dims(&[2, 3])
    }
}

/// Batch normalisation over channels. Unlike Burn's, a forward pass leaves the
/// running statistics alone (see [`Pass`]), and they take the unbiased variance,
/// as PyTorch's do.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// The scale, `[C]`; PyTorch's `weight`.
    pub gamma: Param<Tensor<1>>,
    /// The shift, `[C]`; PyTorch's `bias`.
    pub beta: Param<Tensor<1>>,
    /// `[C]`
    pub running_mean: Param<Tensor<1>>,
    /// `[C]`
    pub running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    pub(crate) fn new(channels: usize, device: &Device) -> Self {
        Self {
            gamma: Param::from_tensor(Tensor::ones([channels], device)),
            beta: zeros([channels], device),
            running_mean: zeros([channels], device).set_require_grad(false),
            running_var: Param::from_tensor(Tensor::ones([channels], device)).set_require_grad(false),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` to the same
    pub(crate) fn forward(
        &self,
        x: Tensor<4>,
        layer: &str,
        epsilon: f64,
        momentum: f64,
        pass: &mut Pass<'_>,
    ) -> Tensor<4> {
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        if pass.norm() == Norm::Running {
            return batch_norm(x, gamma, beta, self.running_mean.val(), self.running_var.val(), epsilon);
        }
        let [n, _, h, w] = x.dims();
        let count = (n * h * w) as f64;
        let batch = batch_norm_train(x, gamma, beta, epsilon);
        // A single value has no variance to remember.
        if count > 1.0 {
            let variance = batch.variance * (count / (count - 1.0));
            pass.leave(Moments { layer: layer.into(), mean: batch.mean, variance, momentum });
        }
        batch.output
    }
}

fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}
