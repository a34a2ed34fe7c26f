//! The operations on the CPU backend: kernels for f32 and f64, Burn's operations
//! for the rest.

mod typed;

use burn::{
    backend::{
        Flex,
        flex::FlexTensor,
        ops::{ConvOptions, ModuleOps},
    },
    tensor::DType,
};

use super::extension::TrainingOps;
use crate::kernels::Convolution;
use typed::{
    bias_gradient, dims, forward, input_gradient, normalized, normalized_gradients, weight_gradient,
};

/// The kernel for the type of these tensors, of those for f32 and f64. There is
/// none for other types, nor for tensors of different types.
fn kernel<K>(tensors: &[&FlexTensor], [of_f32, of_f64]: [K; 2]) -> Option<K> {
    let are = |dtype| tensors.iter().all(|tensor| tensor.dtype() == dtype);
    are(DType::F32).then_some(of_f32).or(are(DType::F64).then_some(of_f64))
}

/// The sizes of what the kernels can compute: equal padding on both sides.
fn convolution(x: &FlexTensor, weight: &FlexTensor, options: &ConvOptions<2>) -> Option<Convolution> {
    if options.is_asymmetric() {
        return None;
    }
    let ([n, c, h, w], [o, inputs, kh, kw]) = (dims(x), dims(weight));
    let groups = options.groups;
    let padding = options.padding_begin();
    // What does not fit is left to Burn, whose message names it.
    let fits = groups * inputs == c && o % groups == 0 && n * c * h * w * o * kh * kw > 0;
    let reaches = [0, 1].map(|a| options.dilation[a] * ([kh, kw][a].max(1) - 1) < [h, w][a] + 2 * padding[a]);
    (fits && reaches == [true, true]).then(|| Convolution {
        images: n,
        groups,
        inputs,
        outputs: o / groups,
        input: [h, w],
        kernel: [kh, kw],
        stride: options.stride,
        padding,
        dilation: options.dilation,
    })
}

impl TrainingOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        let sizes = convolution(&x, &weight, &options);
        match (sizes, kernel(&[&x, &weight], [forward::<f32>, forward::<f64>])) {
            (Some(sizes), Some(forward)) => forward(&sizes, &x, &weight, None),
            _ => Self::conv2d(x, weight, None, options),
        }
    }

    fn convolve_with_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let sizes = convolution(&x, &weight, &options);
        match (sizes, kernel(&[&x, &weight, &bias], [forward::<f32>, forward::<f64>])) {
            (Some(sizes), Some(forward)) => forward(&sizes, &x, &weight, Some(&bias)),
            _ => Self::conv2d(x, weight, Some(bias), options),
        }
    }

    fn convolve_input_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let sizes = convolution(&x, &weight, &options);
        match (sizes, kernel(&[&x, &weight, &dy], [input_gradient::<f32>, input_gradient::<f64>])) {
            (Some(sizes), Some(gradient)) => gradient(&sizes, &dy, &weight),
            _ => Self::conv2d_x_backward(x, weight, dy, options),
        }
    }

    fn convolve_weight_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let sizes = convolution(&x, &weight, &options);
        match (sizes, kernel(&[&x, &weight, &dy], [weight_gradient::<f32>, weight_gradient::<f64>])) {
            (Some(sizes), Some(gradient)) => gradient(&sizes, &x, &dy),
            _ => Self::conv2d_weight_backward(x, weight, dy, options),
        }
    }

    fn convolve_bias_gradient(x: FlexTensor, bias: FlexTensor, dy: FlexTensor) -> FlexTensor {
        match kernel(&[&dy], [bias_gradient::<f32>, bias_gradient::<f64>]) {
            Some(gradient) if !is_empty(&dy) => gradient(&dy),
            _ => Self::conv2d_bias_backward(x, bias, dy),
        }
    }

    fn normalize(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        match kernel(&[&x, &gamma, &beta], [normalized::<f32>, normalized::<f64>]) {
            Some(normalized) if !is_empty(&x) => normalized(&x, &gamma, &beta, epsilon),
            _ => {
                let found = Self::batch_norm_train(x, gamma, beta, epsilon);
                (found.output, found.mean, found.variance)
            }
        }
    }

    fn normalize_gradients(
        x: FlexTensor,
        gamma: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        dy: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let tensors = [&x, &dy, &gamma, &mean, &variance];
        match kernel(&tensors, [normalized_gradients::<f32>, normalized_gradients::<f64>]) {
            Some(gradients) if !is_empty(&x) => gradients(tensors, epsilon),
            _ => {
                let found = Self::batch_norm_train_backward(x, gamma, mean, variance, epsilon, dy);
                (found.x_grad, found.gamma_grad, found.beta_grad)
            }
        }
    }
}

/// What has no values is left to Burn.
fn is_empty(tensor: &FlexTensor) -> bool {
    dims(tensor).contains(&0)
}
