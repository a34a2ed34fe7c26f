//! The kernels on the CPU backend's tensors.

mod product;
mod typed;

use burn::{
    backend::{Flex, flex::FlexTensor, ops::FloatTensorOps},
    tensor::DType,
};
use sapwood_kernels::{Activation, AdamWStep, Convolution, SgdStep};

use super::extension::{KernelGradients, Kernels, Maybe, Normalized, Scaled};

/// Calls a function for the type of a tensor, which is one of two.
macro_rules! typed {
    ($tensor:expr, $function:ident ( $($argument:expr),* )) => {
        match $tensor.dtype() {
            DType::F64 => typed::$function::<f64>($($argument),*),
            _ => typed::$function::<f32>($($argument),*),
        }
    };
}

impl Kernels for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, bias: Maybe<Self>, sizes: Convolution) -> FlexTensor {
        typed!(x, convolve(&sizes, &x, &weight, bias.get().as_ref()))
    }

    fn normalize(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        residual: Maybe<Self>,
        epsilon: f64,
        activation: Option<Activation>,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        typed!(x, normalize([&x, &gamma, &beta], residual.get().as_ref(), epsilon, activation))
    }

    fn affine(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        residual: Maybe<Self>,
        activation: Option<Activation>,
    ) -> FlexTensor {
        typed!(x, affine([&x, &scale, &shift], residual.get().as_ref(), activation))
    }

    fn activate(x: FlexTensor, activation: Activation) -> FlexTensor {
        typed!(x, activate(&x, activation))
    }

    fn sum_last(x: FlexTensor) -> FlexTensor {
        match x.dtype() {
            DType::F32 => typed::sum_last(&x),
            // Burn sums other types one value after the other.
            _ => {
                let last = x.layout().shape().len() - 1;
                Flex::float_sum_dim(x, last)
            }
        }
    }

    fn spread_last(x: FlexTensor, times: usize) -> FlexTensor {
        let mut shape = x.layout().shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = times;
        }
        Flex::float_expand(x, shape.into())
    }

    fn product(left: FlexTensor, right: FlexTensor) -> FlexTensor {
        product::product(left, right)
    }

    fn sgd(
        weight: FlexTensor,
        gradient: FlexTensor,
        momentum: FlexTensor,
        step: SgdStep,
    ) -> (FlexTensor, FlexTensor) {
        typed!(weight, sgd(weight, &gradient, momentum, step))
    }

    fn adamw(
        weight: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        step: AdamWStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        typed!(weight, adamw(weight, &gradient, mean, square, step))
    }
}

impl KernelGradients for Flex {
    fn convolve_input_gradient(weight: FlexTensor, dy: FlexTensor, sizes: &Convolution) -> FlexTensor {
        typed!(dy, convolve_input_gradient(sizes, &dy, &weight))
    }

    fn convolve_weight_gradient(x: FlexTensor, dy: FlexTensor, sizes: &Convolution) -> FlexTensor {
        typed!(dy, convolve_weight_gradient(sizes, &x, &dy))
    }

    fn convolve_bias_gradient(dy: FlexTensor) -> FlexTensor {
        typed!(dy, channel_sums(&dy))
    }

    fn normalize_gradients(saved: Normalized<Self>, dy: FlexTensor) -> ([FlexTensor; 3], Option<FlexTensor>) {
        typed!(dy, normalize_gradients(&saved, &dy))
    }

    fn affine_gradients(saved: Scaled<Self>, dy: FlexTensor) -> ([FlexTensor; 3], Option<FlexTensor>) {
        typed!(dy, affine_gradients(&saved, &dy))
    }

    fn activate_gradient(x: FlexTensor, dy: FlexTensor, activation: Activation) -> FlexTensor {
        typed!(dy, activate_gradient(&x, &dy, activation))
    }
}
