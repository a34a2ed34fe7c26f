//! Activations.

use burn::{
    backend::Dispatch,
    tensor::{
        Tensor,
        activation::{gelu, relu, relu6},
    },
};

use super::{Activation, Ops, extension::Kernels};

impl Ops {
    /// An activation of each value.
    pub fn activate(self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        match self.has_kernels("activation", &x, []) {
            true => Tensor::from_dispatch(<Dispatch as Kernels>::activate(x.into_dispatch(), activation)),
            false => composed(x, activation),
        }
    }
}

pub(super) fn composed(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Relu => relu(x),
        Activation::Relu6 => relu6(x),
        Activation::HSwish => x.clone() * h_sigmoid(x),
        Activation::HSigmoid => h_sigmoid(x),
        Activation::Gelu => gelu(x),
    }
}

fn h_sigmoid(x: Tensor<4>) -> Tensor<4> {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}
