//! Which of the device's curves an activation of a graph is.

use sapwood_backend as backend;
use sapwood_core::Activation;

/// None for an activation that is no curve of the device's.
pub(crate) fn curve(activation: Activation) -> Option<backend::Activation> {
    Some(match activation {
        Activation::Relu => backend::Activation::Relu,
        Activation::Relu6 => backend::Activation::Relu6,
        Activation::HSwish => backend::Activation::HSwish,
        Activation::HSigmoid => backend::Activation::HSigmoid,
        Activation::Gelu => backend::Activation::Gelu,
        _ => return None,
    })
}
