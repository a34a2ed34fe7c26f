//! Operations at a pinned level, which is the process's: in one of their own.

#![cfg(feature = "flex")]

use burn::tensor::Tensor;
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
