//! Which of the device's curves an activation of a graph is.

use sapwood_backend as backend;
use sapwood_core::Activation;

pub(crate) fn curve(activation: Activation) -> backend::Activation {
    match activation {
        Activation::Relu => backend::Activation::Relu,
        Activation::Relu6 => backend::Activation::Relu6,
        Activation::HSwish => backend::Activation::HSwish,
        Activation::HSigmoid => backend::Activation::HSigmoid,
        Activation::Gelu => backend::Activation::Gelu,
    }
}
