//! The kernels under autodiff against Burn's own operations, in each type that
//! there are kernels for.

use burn::{
    prelude::Device,
    tensor::{DType, Tensor, TensorData, module, ops::ConvOptions},
};

use super::{batch_norm_train, conv2d};
use crate::DeviceSpec;

const TYPES: [(DType, f64); 2] = [(DType::F32, 1e-5), (DType::F64, 1e-12)];

/// Values in [-1, 1) of which few are in f32.
fn values<const D: usize>(shape: [usize; D], seed: usize, place: (&Device, DType)) -> Tensor<D> {
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0;
    let numbers: Vec<f64> = (0..shape.iter().product()).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, shape), place).require_grad()
}

/// Whether both are of the type and, relative to their norm, so close.
fn check<const D: usize>(found: Tensor<D>, expected: Tensor<D>, (dtype, tolerance): (DType, f64)) {
    assert_eq!((found.dtype(), found.dims()), (dtype, expected.dims()));
    let [found, expected] = [found, expected].map(|tensor| tensor.into_data().iter().collect::<Vec<f64>>());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
    let far = difference / norm(&mut expected.into_iter());
    assert!(far <= tolerance, "{dtype:?} differs by {far:e}");
}

#[test]
fn convolutions_are_those_of_burn() {
    let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
    for kind in TYPES {
        let place = (&device, kind.0);
        for with_bias in [false, true] {
            let run = |ours: bool| {
                let (x, w, b) =
                    (values([5, 6, 9, 8], 1, place), values([4, 3, 3, 3], 2, place), values([4], 3, place));
                let options = ConvOptions::new([2, 1], [1, 1], [1, 1], 2);
                let bias = with_bias.then(|| b.clone());
                let y = match ours {
                    true => conv2d(x.clone(), w.clone(), bias, options),
                    false => module::conv2d(x.clone(), w.clone(), bias, options),
                };
                let gradients = (y.clone() * values(y.dims(), 4, place).detach()).sum().backward();
                let bias = with_bias.then(|| Tensor::from_inner(b.grad(&gradients).unwrap()));
                (y, x.grad(&gradients).unwrap(), w.grad(&gradients).unwrap(), bias)
            };
            let (found, expected) = (run(true), run(false));
            check(found.0, expected.0, kind);
            check(found.1, expected.1, kind);
            check(found.2, expected.2, kind);
            found.3.into_iter().zip(expected.3).for_each(|(found, expected)| check(found, expected, kind));
        }
    }
}

#[test]
fn normalisations_are_those_of_burn() {
    let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
    for kind in TYPES {
        let place = (&device, kind.0);
        let run = |ours: bool| {
            let (x, gamma, beta) =
                (values([5, 3, 4, 7], 1, place), values([3], 2, place), values([3], 3, place));
            let (output, mean, variance) = match ours {
                true => {
                    let found = batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-5);
                    (found.output, found.mean, found.variance)
                }
                false => {
                    let found = module::batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-5);
                    (found.output, found.mean, found.variance)
                }
            };
            let gradients = (output.clone() * values(output.dims(), 4, place).detach()).sum().backward();
            let per_channel = [mean, variance].into_iter();
            let gradient = |tensor: Tensor<1>| Tensor::from_inner(tensor.grad(&gradients).unwrap());
            let per_channel = per_channel.chain([gamma, beta].map(gradient)).collect::<Vec<_>>();
            (output, x.grad(&gradients).unwrap(), per_channel)
        };
        let (found, expected) = (run(true), run(false));
        check(found.0, expected.0, kind);
        check(found.1, expected.1, kind);
        found.2.into_iter().zip(expected.2).for_each(|(found, expected)| check(found, expected, kind));
    }
}
