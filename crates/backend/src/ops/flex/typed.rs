//! The kernels on tensors of a known type.

use burn::{
    backend::flex::{FlexTensor, Layout},
    tensor::{Bytes, Element, Shape},
};

use crate::kernels::{Convolution, Float, Level, Size, channel_sums, normalize, normalize_backward};

/// What the kernels compute with, as tensors hold it.
pub(super) trait Stored: Float + Element {
    /// The values of a tensor of this type that lies in one piece.
    fn values(tensor: &FlexTensor) -> Option<&[Self]>;
}

impl Stored for f32 {
    fn values(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }
}

impl Stored for f64 {
    fn values(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }
}

pub(super) fn forward<T: Stored>(
    sizes: &Convolution,
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
) -> FlexTensor {
    let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.map(FlexTensor::to_contiguous));
    let y = sizes.forward(Level::detect(), values::<T>(&x), values(&weight), bias.as_ref().map(values));
    let [height, width] = sizes.output();
    tensor(y, [sizes.images, sizes.groups * sizes.outputs, height, width])
}

pub(super) fn input_gradient<T: Stored>(
    sizes: &Convolution,
    dy: &FlexTensor,
    weight: &FlexTensor,
) -> FlexTensor {
    let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
    let dx = sizes.input_gradient(Level::detect(), values::<T>(&dy), values(&weight));
    let [height, width] = sizes.input;
    tensor(dx, [sizes.images, sizes.groups * sizes.inputs, height, width])
}

pub(super) fn weight_gradient<T: Stored>(sizes: &Convolution, x: &FlexTensor, dy: &FlexTensor) -> FlexTensor {
    let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
    let dw = sizes.weight_gradient(Level::detect(), values::<T>(&x), values(&dy));
    let [height, width] = sizes.kernel;
    tensor(dw, [sizes.groups * sizes.outputs, sizes.inputs, height, width])
}

pub(super) fn bias_gradient<T: Stored>(dy: &FlexTensor) -> FlexTensor {
    let (size, dy) = (size(dy), dy.to_contiguous());
    tensor(channel_sums(size, values::<T>(&dy)), [size.channels])
}

pub(super) fn normalized<T: Stored>(
    x: &FlexTensor,
    gamma: &FlexTensor,
    beta: &FlexTensor,
    epsilon: f64,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (size, shape) = (size(x), dims(x));
    let (x, gamma, beta) = (x.to_contiguous(), gamma.to_contiguous(), beta.to_contiguous());
    let found = normalize(size, values::<T>(&x), values(&gamma), values(&beta), epsilon);
    let channels = [size.channels];
    (tensor(found.output, shape), tensor(found.mean, channels), tensor(found.variance, channels))
}

/// For input, output gradient, scale, mean and variance.
pub(super) fn normalized_gradients<T: Stored>(
    tensors: [&FlexTensor; 5],
    epsilon: f64,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (size, shape) = (size(tensors[0]), dims(tensors[0]));
    let tensors = tensors.map(FlexTensor::to_contiguous);
    let [x, dy, gamma, mean, variance] = tensors.each_ref().map(values::<T>);
    let found = normalize_backward(size, x, dy, gamma, (mean, variance), epsilon);
    let channels = [size.channels];
    (tensor(found.input, shape), tensor(found.gamma, channels), tensor(found.beta, channels))
}

fn size(x: &FlexTensor) -> Size {
    let [images, channels, height, width] = dims(x);
    Size { images, channels, plane: height * width }
}

pub(super) fn dims(tensor: &FlexTensor) -> [usize; 4] {
    let shape = tensor.layout().shape();
    std::array::from_fn(|axis| shape[axis])
}

/// The values of a tensor that was made contiguous.
fn values<T: Stored>(tensor: &FlexTensor) -> &[T] {
    T::values(tensor).unwrap_or_else(|| unreachable!("callers ask for contiguous values of a known type"))
}

fn tensor<T: Stored, const D: usize>(values: Vec<T>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), T::dtype())
}
