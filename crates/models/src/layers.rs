//! The layers that have parameters.

use burn::{
    module::{Module, Param},
    prelude::Device,
    tensor::{Tensor, ops::ConvOptions},
};
use sapwood_backend::{Epilogue, Ops, ordered};
use sapwood_core::{ConvSpec, Moments, Norm, Pass, Shape};

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
        let shape = [spec.outputs, spec.inputs / spec.groups, spec.kernel.h, spec.kernel.w];
        Self { weight: zeros(shape, device), bias: spec.bias.then(|| zeros([spec.outputs], device)) }
    }

    /// # Shapes
    /// `[N, in, H, W]` to `[N, out, H', W']`
    pub(crate) fn forward(&self, x: Tensor<4>, spec: ConvSpec, ops: Ops) -> Tensor<4> {
        let padding = spec.padding.symmetric().unwrap_or_default();
        let options = ConvOptions::new(spec.stride.hw(), padding, spec.dilation.hw(), spec.groups);
        ops.conv2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), options)
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
        let y = ordered::linear(x.flatten::<2>(1, 3), self.weight.val(), self.bias.as_ref().map(Param::val));
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

    /// The normalised input through an epilogue; name, epsilon and momentum are the layer's.
    ///
    /// # Shapes
    /// `[N, C, H, W]` to the same
    pub(crate) fn forward(
        &self,
        x: Tensor<4>,
        (layer, epsilon, momentum): (&str, f64, f64),
        epilogue: Epilogue,
        ops: Ops,
        pass: &mut Pass<'_>,
    ) -> Tensor<4> {
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        if pass.norm() == Norm::Running {
            let statistics = [self.running_mean.val(), self.running_var.val()];
            return ops.batch_norm(x, [gamma, beta], statistics, epsilon, epilogue);
        }
        let [n, _, h, w] = x.dims();
        let batch = ops.batch_norm_train(x, gamma, beta, epsilon, epilogue);
        let (layer, count) = (layer.into(), n * h * w);
        pass.leave(Moments { layer, count, mean: batch.mean, variance: batch.variance, momentum });
        batch.output
    }
}

/// Normalisation of each place over its channels.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// The scale, `[C]`; PyTorch's `weight`.
    pub gamma: Param<Tensor<1>>,
    /// The shift, `[C]`; PyTorch's `bias`.
    pub beta: Param<Tensor<1>>,
}

impl LayerNorm {
    pub(crate) fn new(channels: usize, device: &Device) -> Self {
        Self { gamma: Param::from_tensor(Tensor::ones([channels], device)), beta: zeros([channels], device) }
    }

    /// # Shapes
    /// `[N, C, H, W]` to the same
    pub(crate) fn forward(&self, x: Tensor<4>, epsilon: f64) -> Tensor<4> {
        let channels_last = x.permute([0, 2, 3, 1]);
        let y = ordered::layer_norm(channels_last, self.gamma.val(), self.beta.val(), epsilon);
        y.permute([0, 3, 1, 2])
    }
}

/// What a network learns about the places of its input.
#[derive(Module, Debug)]
pub struct Position {
    /// `[C, H, W]`
    pub embedding: Param<Tensor<3>>,
}

impl Position {
    pub(crate) fn new(shape: Shape, device: &Device) -> Self {
        Self { embedding: zeros(shape, device) }
    }

    /// # Shapes
    /// `[N, C, H, W]` to the same
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        x + self.embedding.val().unsqueeze()
    }
}

fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}
