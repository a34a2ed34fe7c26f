//! The operations on the CPU backend: kernels for f32, Burn's operations for the
//! rest.

use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout},
        ops::{ConvOptions, ModuleOps},
    },
    tensor::{Bytes, DType, Shape},
};

use super::extension::TrainingOps;
use crate::kernels::{Convolution, Level, Size, channel_sums, normalize, normalize_backward};

/// What the kernels can compute: f32, with equal padding on both sides.
fn convolution(x: &FlexTensor, weight: &FlexTensor, options: &ConvOptions<2>) -> Option<Convolution> {
    if x.dtype() != DType::F32 || weight.dtype() != DType::F32 || options.is_asymmetric() {
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
        match convolution(&x, &weight, &options) {
            Some(sizes) => forward(&sizes, &x, &weight, None),
            None => Self::conv2d(x, weight, None, options),
        }
    }

    fn convolve_with_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        match convolution(&x, &weight, &options) {
            Some(sizes) if bias.dtype() == DType::F32 => forward(&sizes, &x, &weight, Some(&bias)),
            _ => Self::conv2d(x, weight, Some(bias), options),
        }
    }

    fn convolve_input_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let Some(sizes) = convolution(&x, &weight, &options) else {
            return Self::conv2d_x_backward(x, weight, dy, options);
        };
        let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
        tensor(sizes.input_gradient(Level::detect(), values(&dy), values(&weight)), dims(&x))
    }

    fn convolve_weight_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let Some(sizes) = convolution(&x, &weight, &options) else {
            return Self::conv2d_weight_backward(x, weight, dy, options);
        };
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        tensor(sizes.weight_gradient(Level::detect(), values(&x), values(&dy)), dims(&weight))
    }

    fn convolve_bias_gradient(x: FlexTensor, bias: FlexTensor, dy: FlexTensor) -> FlexTensor {
        if dy.dtype() != DType::F32 || is_empty(&dy) {
            return Self::conv2d_bias_backward(x, bias, dy);
        }
        let (size, dy) = (size(&dy), dy.to_contiguous());
        tensor(channel_sums(size, values(&dy)), [size.channels])
    }

    fn normalize(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if is_empty(&x) || [&x, &gamma, &beta].iter().any(|tensor| tensor.dtype() != DType::F32) {
            let found = Self::batch_norm_train(x, gamma, beta, epsilon);
            return (found.output, found.mean, found.variance);
        }
        let (size, shape) = (size(&x), dims(&x));
        let (x, gamma, beta) = (x.to_contiguous(), gamma.to_contiguous(), beta.to_contiguous());
        let found = normalize(size, values(&x), values(&gamma), values(&beta), epsilon);
        let channels = [size.channels];
        (tensor(found.output, shape), tensor(found.mean, channels), tensor(found.variance, channels))
    }

    fn normalize_gradients(
        x: FlexTensor,
        gamma: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        dy: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if is_empty(&x) || x.dtype() != DType::F32 {
            let found = Self::batch_norm_train_backward(x, gamma, mean, variance, epsilon, dy);
            return (found.x_grad, found.gamma_grad, found.beta_grad);
        }
        let (size, shape) = (size(&x), dims(&x));
        let (x, dy, gamma) = (x.to_contiguous(), dy.to_contiguous(), gamma.to_contiguous());
        let (mean, variance) = (mean.to_contiguous(), variance.to_contiguous());
        let statistics = (values(&mean), values(&variance));
        let found = normalize_backward(size, values(&x), values(&dy), values(&gamma), statistics, epsilon);
        let channels = [size.channels];
        (tensor(found.input, shape), tensor(found.gamma, channels), tensor(found.beta, channels))
    }
}

fn forward(
    sizes: &Convolution,
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
) -> FlexTensor {
    let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.map(FlexTensor::to_contiguous));
    let y = sizes.forward(Level::detect(), values(&x), values(&weight), bias.as_ref().map(values));
    let [height, width] = sizes.output();
    tensor(y, [sizes.images, sizes.groups * sizes.outputs, height, width])
}

/// What has no values is left to Burn.
fn is_empty(tensor: &FlexTensor) -> bool {
    dims(tensor).contains(&0)
}

fn size(x: &FlexTensor) -> Size {
    let [images, channels, height, width] = dims(x);
    Size { images, channels, plane: height * width }
}

fn dims(tensor: &FlexTensor) -> [usize; 4] {
    let shape = tensor.layout().shape();
    std::array::from_fn(|axis| shape[axis])
}

/// The values of a tensor that was made contiguous.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_else(|| unreachable!("callers ask for contiguous f32"))
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}
