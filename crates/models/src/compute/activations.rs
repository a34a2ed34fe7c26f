//! The elementwise non-linearities.

use burn::tensor::{
    Tensor,
    activation::{leaky_relu, log_sigmoid, sigmoid},
};
use sapwood_backend::Ops;
use sapwood_core::{Activation, Factor};

use crate::{
    curve::curve,
    value::{Value, ranked},
};

/// Each value through an activation: by the device's curve where it has one.
pub(crate) fn activate(x: Value, activation: Activation, ops: Ops) -> Value {
    match curve(activation) {
        Some(curve) => {
            let sizes = x.dims();
            Value::from(ops.activate(x.images(), curve)).reshaped(&sizes)
        }
        None => ranked!(x, x => composed(x, activation)),
    }
}

/// Those that are no curves, written so that large values neither overflow nor lose their gradient.
fn composed<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::GeluTanh => {
            let inner =
                (x.clone() + x.clone().powi_scalar(3) * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
            x * (inner.tanh() + 1.0) * 0.5
        }
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Silu => x.clone() * sigmoid(x),
        Activation::Mish => x.clone() * softplus(x).tanh(),
        Activation::Softplus => softplus(x),
        Activation::LeakyRelu(Factor(slope)) => leaky_relu(x, slope),
        Activation::Elu(Factor(alpha)) => elu(x, alpha),
        Activation::Selu => {
            let [alpha, scale] = Activation::SELU;
            elu(x, alpha) * scale
        }
        // Where the lower bound lies above the upper one, all becomes the upper one.
        Activation::Clip(Factor(low), Factor(high)) => x.clamp(low.min(high), high),
        // These are curves.
        Activation::Relu
        | Activation::Relu6
        | Activation::HSwish
        | Activation::HSigmoid
        | Activation::Gelu => x,
    }
}

/// `log(1 + exp(x)) = -log(sigmoid(-x))`
fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    -log_sigmoid(-x)
}

fn elu<const D: usize>(x: Tensor<D>, alpha: f64) -> Tensor<D> {
    // Of what is above zero no power is computed, which would overflow.
    let below = (x.clone().clamp_max(0.0).exp() - 1.0) * alpha;
    let is_below = x.clone().lower_equal_scalar(0.0);
    x.mask_where(is_below, below)
}
