//! What a graph says, in the kernels' words.

use sapwood_graph::{Activation, Pads, Window as Written};
use sapwood_kernels::infer::{Curve, Window};

pub(crate) fn window(window: &Written) -> Window {
    let Pads { top, left, .. } = window.padding;
    let [kernel, stride, dilation] = [window.kernel, window.stride, window.dilation].map(|pair| pair.hw());
    Window { kernel, stride, dilation, before: [top, left] }
}

/// Which of `size` rows or columns the one at `at` is, where `padding` of the opposite edge were added on each side.
pub(crate) fn opposite(at: usize, size: usize, padding: usize) -> usize {
    (at + size - padding % size) % size
}

pub(crate) fn curve(activation: Activation) -> Curve {
    match activation {
        Activation::Relu => Curve::RELU,
        Activation::Relu6 => Curve::Clip(0.0, 6.0),
        Activation::HSwish => Curve::HSwish,
        Activation::HSigmoid => Curve::HSigmoid,
        Activation::Gelu => Curve::Gelu,
        Activation::GeluTanh => Curve::GeluTanh,
        Activation::Sigmoid => Curve::Sigmoid,
        Activation::Tanh => Curve::Tanh,
        Activation::Silu => Curve::Silu,
        Activation::Mish => Curve::Mish,
        Activation::Softplus => Curve::Softplus,
        Activation::LeakyRelu(factor) => Curve::Leaky(factor.0 as f32),
        Activation::Elu(factor) => Curve::Elu(factor.0 as f32, 1.0),
        Activation::Selu => {
            let [alpha, scale] = Activation::SELU.map(|number| number as f32);
            Curve::Elu(alpha, scale)
        }
        Activation::Clip(low, high) => Curve::Clip(low.0 as f32, high.0 as f32),
    }
}
