//! Operations at a pinned level, which is the process's: in one of their own.

#![cfg(feature = "flex")]

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::{DeviceSpec, ordered, pin_level};

#[test]
fn what_has_no_values_has_no_sums() {
    pin_level("portable").unwrap();
    let device = DeviceSpec::CPU.resolve().unwrap();
    let empty = || Tensor::<2>::empty([3, 0], &device);
    assert_eq!(ordered::softmax(empty()).dims(), [3, 0]);
    assert_eq!(ordered::sum_last(empty()).dims(), [3, 1]);
    assert_eq!(ordered::sum(empty()).into_scalar::<f32>(), 0.0);
}

#[test]
fn many_values_are_summed_as_one_row() {
    pin_level("portable").unwrap();
    let device = DeviceSpec::CPU.resolve().unwrap();
    let values: Vec<f32> = (0..(1 << 22) + 5).map(|at| (at * 37 % 101) as f32 / 101.0).collect();
    let count = values.len();
    let x = Tensor::<1>::from_data(TensorData::new(values, [count]), &device);
    let row: Tensor<2> = x.clone().reshape([1, count]);
    assert_eq!(ordered::sum(x).into_scalar::<f32>(), ordered::sum_last(row).into_scalar::<f32>());
}
