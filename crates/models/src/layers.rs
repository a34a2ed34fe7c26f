//! The layers that have parameters.

use burn::{
    module::{Module, Param},
    prelude::{Device, Int},
    tensor::{Tensor, module::embedding},
};
use sapwood_backend::{Epilogue, Ops, ordered};
use sapwood_core::{Moments, Norm, Pass, Shape};

use crate::value::{Value, ranked};

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
    /// `[rows, in]` to `[rows, out]`
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ordered::linear(x, self.weight.val(), self.bias.as_ref().map(Param::val))
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

    /// Over dimension 1, or over the last one.
    ///
    /// # Shapes
    /// `[N, C, ..]` or `[.., C]` to the same
    pub(crate) fn forward(&self, x: Value, epsilon: f64, last: bool) -> Value {
        match last {
            true => ranked!(x, x => self.over_last(x, epsilon)),
            false => ranked!(x, x => self.over_channels(x, epsilon)),
        }
    }

    fn over_last<const D: usize>(&self, x: Tensor<D>, epsilon: f64) -> Tensor<D> {
        ordered::layer_norm(x, self.gamma.val(), self.beta.val(), epsilon)
    }

    fn over_channels<const D: usize>(&self, x: Tensor<D>, epsilon: f64) -> Tensor<D> {
        if D <= 2 {
            return self.over_last(x, epsilon);
        }
        // [N, C, ..] to [N, .., C] and back.
        let to_last = std::array::from_fn(|dim| match dim {
            0 => 0,
            dim if dim == D - 1 => 1,
            dim => dim + 1,
        });
        let back = std::array::from_fn(|dim| match dim {
            0 => 0,
            1 => D - 1,
            dim => dim - 1,
        });
        self.over_last(x.permute::<usize>(to_last), epsilon).permute::<usize>(back)
    }
}

/// Normalisation over groups of channels and all their places.
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// The scale, `[C]`; PyTorch's `weight`.
    pub gamma: Param<Tensor<1>>,
    /// The shift, `[C]`; PyTorch's `bias`.
    pub beta: Param<Tensor<1>>,
}

impl GroupNorm {
    pub(crate) fn new(channels: usize, device: &Device) -> Self {
        Self { gamma: Param::from_tensor(Tensor::ones([channels], device)), beta: zeros([channels], device) }
    }

    /// # Shapes
    /// `[N, C, ..]` to the same
    pub(crate) fn forward(&self, x: Value, groups: usize, epsilon: f64) -> Value {
        let sizes = x.dims();
        let (n, c) = (sizes[0], sizes[1]);
        let places: usize = sizes[2..].iter().product();
        let y = ordered::standardize(x.into_rank([n, groups, c / groups * places]), epsilon);
        let [gamma, beta] = [self.gamma.val(), self.beta.val()].map(|of| of.reshape([1, c, 1]));
        let shape = [n, c, places];
        let y = y.reshape(shape) * ordered::expand(gamma, shape) + ordered::expand(beta, shape);
        Value::from(y).reshaped(&sizes)
    }
}

/// A row of a learnt table for each integer.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[entries, width]`
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    pub(crate) fn new(shape: [usize; 2], device: &Device) -> Self {
        Self { weight: zeros(shape, device) }
    }

    /// # Shapes
    /// `[count]` to `[1, count, width]`
    pub(crate) fn forward(&self, x: Tensor<1, Int>) -> Tensor<3> {
        embedding(self.weight.val(), x.unsqueeze())
    }
}

/// A slope below zero that is learnt, for each channel or for all.
#[derive(Module, Debug)]
pub struct Prelu {
    /// `[C]` or `[1]`
    pub weight: Param<Tensor<1>>,
}

impl Prelu {
    /// With PyTorch's slope of a quarter.
    pub(crate) fn new(channels: usize, device: &Device) -> Self {
        Self { weight: Param::from_tensor(Tensor::full([channels], 0.25, device)) }
    }

    /// # Shapes
    /// `[N, C, ..]` to the same; anything where there is one slope
    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let slope = self.weight.val();
        let mut shape = [1; D];
        shape[1.min(D - 1)] = slope.dims()[0];
        let below = x.clone().lower_equal_scalar(0.0);
        let bent = x.clone() * ordered::expand(slope.reshape(shape), x.dims());
        x.mask_where(below, bent)
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

pub(crate) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}
