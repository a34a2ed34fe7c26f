//! The kernels on tensors of a known type.

use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout},
    },
    tensor::{Bytes, Element, Shape},
};
use sapwood_kernels as kernels;
use sapwood_kernels::{Activation, AdamWStep, Affine, Convolution, Float, Normalization, SgdStep, Size};

use crate::{
    level,
    ops::extension::{Normalized, Scaled},
};

/// What the kernels compute with, as tensors hold it.
pub(super) trait Stored: Float + Element {
    /// The values of a tensor of this type that lies in one piece.
    fn values(tensor: &FlexTensor) -> Option<&[Self]>;

    /// What a tensor and its views share: its own from here on, copied where it was not.
    fn storage_mut(tensor: &mut FlexTensor) -> &mut [Self];
}

impl Stored for f32 {
    fn values(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn storage_mut(tensor: &mut FlexTensor) -> &mut [Self] {
        tensor.storage_mut()
    }
}

impl Stored for f64 {
    fn values(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn storage_mut(tensor: &mut FlexTensor) -> &mut [Self] {
        tensor.storage_mut()
    }
}

pub(super) fn convolve<T: Stored>(
    sizes: &Convolution,
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
) -> FlexTensor {
    let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.map(FlexTensor::to_contiguous));
    let y = sizes.forward(level::current(), values::<T>(&x), values(&weight), bias.as_ref().map(values));
    let [height, width] = sizes.output();
    tensor(y, [sizes.images, sizes.groups * sizes.outputs, height, width])
}

pub(super) fn convolve_input_gradient<T: Stored>(
    sizes: &Convolution,
    dy: &FlexTensor,
    weight: &FlexTensor,
) -> FlexTensor {
    let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
    let dx = sizes.input_gradient(level::current(), values::<T>(&dy), values(&weight));
    let [height, width] = sizes.input;
    tensor(dx, [sizes.images, sizes.groups * sizes.inputs, height, width])
}

pub(super) fn convolve_weight_gradient<T: Stored>(
    sizes: &Convolution,
    x: &FlexTensor,
    dy: &FlexTensor,
) -> FlexTensor {
    let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
    let dw = sizes.weight_gradient(level::current(), values::<T>(&x), values(&dy));
    let [height, width] = sizes.kernel;
    tensor(dw, [sizes.groups * sizes.outputs, sizes.inputs, height, width])
}

pub(super) fn channel_sums<T: Stored>(dy: &FlexTensor) -> FlexTensor {
    let (size, dy) = (size(dy), dy.to_contiguous());
    tensor(kernels::channel_sums(level::current(), size, values::<T>(&dy)), [size.channels])
}

/// For input, scale and shift.
pub(super) fn normalize<T: Stored>(
    tensors: [&FlexTensor; 3],
    residual: Option<&FlexTensor>,
    epsilon: f64,
    activation: Option<Activation>,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (size, shape) = (size(tensors[0]), dims(tensors[0]));
    let (tensors, residual) =
        (tensors.map(FlexTensor::to_contiguous), residual.map(FlexTensor::to_contiguous));
    let [x, gamma, beta] = tensors.each_ref().map(values::<T>);
    let normalization = Normalization { level: level::current(), size, gamma, beta, epsilon, activation };
    let found = normalization.forward(x, residual.as_ref().map(values));
    let channels = [size.channels];
    (tensor(found.output, shape), tensor(found.mean, channels), tensor(found.variance, channels))
}

pub(super) fn normalize_gradients<T: Stored>(
    saved: &Normalized<Flex>,
    dy: &FlexTensor,
) -> ([FlexTensor; 3], Option<FlexTensor>) {
    let Normalized { x, gamma, beta, mean, variance, epsilon, activation, .. } = saved;
    let (size, shape) = (size(x), dims(x));
    let tensors = [x, dy, gamma, beta, mean, variance].map(FlexTensor::to_contiguous);
    let [x, dy, gamma, beta, mean, variance] = tensors.each_ref().map(values::<T>);
    let residual = saved.residual.as_ref().map(FlexTensor::to_contiguous);
    let (epsilon, activation) = (*epsilon, *activation);
    let normalization = Normalization { level: level::current(), size, gamma, beta, epsilon, activation };
    let found = normalization.backward(x, residual.as_ref().map(values), (mean, variance), dy);
    let channels = [size.channels];
    let gradients = [tensor(found.input, shape), tensor(found.gamma, channels), tensor(found.beta, channels)];
    (gradients, found.residual.map(|residual| tensor(residual, shape)))
}

/// For input, scale and shift.
pub(super) fn affine<T: Stored>(
    tensors: [&FlexTensor; 3],
    residual: Option<&FlexTensor>,
    activation: Option<Activation>,
) -> FlexTensor {
    let (size, shape) = (size(tensors[0]), dims(tensors[0]));
    let (tensors, residual) =
        (tensors.map(FlexTensor::to_contiguous), residual.map(FlexTensor::to_contiguous));
    let [x, scale, shift] = tensors.each_ref().map(values::<T>);
    let affine = Affine { level: level::current(), size, scale, shift, activation };
    tensor(affine.forward(x, residual.as_ref().map(values)), shape)
}

pub(super) fn affine_gradients<T: Stored>(
    saved: &Scaled<Flex>,
    dy: &FlexTensor,
) -> ([FlexTensor; 3], Option<FlexTensor>) {
    let (size, shape) = (size(&saved.x), dims(&saved.x));
    let tensors = [&saved.x, dy, &saved.scale, &saved.shift].map(FlexTensor::to_contiguous);
    let [x, dy, scale, shift] = tensors.each_ref().map(values::<T>);
    let residual = saved.residual.as_ref().map(FlexTensor::to_contiguous);
    let affine = Affine { level: level::current(), size, scale, shift, activation: saved.activation };
    let found = affine.backward(x, residual.as_ref().map(values), dy);
    let channels = [size.channels];
    let gradients =
        [tensor(found.input, shape), tensor(found.scale, channels), tensor(found.shift, channels)];
    (gradients, found.residual.map(|residual| tensor(residual, shape)))
}

pub(super) fn activate<T: Stored>(x: &FlexTensor, activation: Activation) -> FlexTensor {
    let (shape, x) = (dims(x), x.to_contiguous());
    tensor(kernels::activate(level::current(), activation, values::<T>(&x)), shape)
}

pub(super) fn activate_gradient<T: Stored>(
    x: &FlexTensor,
    dy: &FlexTensor,
    activation: Activation,
) -> FlexTensor {
    let (shape, x, dy) = (dims(x), x.to_contiguous(), dy.to_contiguous());
    tensor(kernels::activate_backward(level::current(), activation, values::<T>(&x), values(&dy)), shape)
}

/// `[.., L]` to `[.., 1]`
pub(super) fn sum_last(x: &FlexTensor) -> FlexTensor {
    let x = x.to_contiguous();
    let mut shape = x.layout().shape().to_vec();
    let row = shape.pop().unwrap_or(1);
    shape.push(1);
    let sums = kernels::row_sums(level::current(), values::<f32>(&x), row);
    FlexTensor::new(Bytes::from_elems(sums), Layout::contiguous(Shape::from(shape)), f32::dtype())
}

pub(super) fn sgd<T: Stored>(
    weight: FlexTensor,
    gradient: &FlexTensor,
    momentum: FlexTensor,
    step: SgdStep,
) -> (FlexTensor, FlexTensor) {
    let [mut weight, mut momentum] = [weight, momentum].map(in_one_piece);
    let gradient = gradient.to_contiguous();
    let (w, b) = (values_mut::<T>(&mut weight), values_mut(&mut momentum));
    step.run(level::current(), w, values(&gradient), b);
    (weight, momentum)
}

pub(super) fn adamw<T: Stored>(
    weight: FlexTensor,
    gradient: &FlexTensor,
    mean: FlexTensor,
    square: FlexTensor,
    step: AdamWStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let [mut weight, mut mean, mut square] = [weight, mean, square].map(in_one_piece);
    let gradient = gradient.to_contiguous();
    let (w, m, v) = (values_mut::<T>(&mut weight), values_mut(&mut mean), values_mut(&mut square));
    step.run(level::current(), w, values(&gradient), m, v);
    (weight, mean, square)
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
fn values<T: Stored>(tensor: &FlexTensor) -> &[T] {
    T::values(tensor).unwrap_or_else(|| unreachable!("callers ask for contiguous values of a known type"))
}

/// A tensor whose values lie in their order; not another one where they do already.
fn in_one_piece(tensor: FlexTensor) -> FlexTensor {
    match tensor.is_contiguous() {
        true => tensor,
        false => tensor.to_contiguous(),
    }
}

/// The same, to be changed in place where nobody else holds them.
fn values_mut<T: Stored>(tensor: &mut FlexTensor) -> &mut [T] {
    let place = tensor.layout().contiguous_offsets();
    let (start, end) = place.unwrap_or_else(|| unreachable!("callers ask for contiguous values"));
    &mut T::storage_mut(tensor)[start..end]
}

fn tensor<T: Stored, const D: usize>(values: Vec<T>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), T::dtype())
}
