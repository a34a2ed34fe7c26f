//! The operations that networks are made of, against their definitions on the host.

use burn::{
    prelude::Device,
    tensor::{
        Tensor, TensorData,
        activation::{log_softmax, relu},
        module::{linear, max_pool2d},
        ops::{ConvOptions, MaxPoolOptions},
    },
};
use sapwood_backend::{Activation, Epilogue, Ops};
use sapwood_conformance::{devices, relative_distance, uniform};

const TOLERANCE: f64 = 1e-5;

/// Values in [-1, 1), on the host and on the device.
fn values<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> (Vec<f64>, Tensor<D>) {
    let host: Vec<f64> = uniform(name, shape.iter().product()).into_iter().map(|u| 2.0 * u - 1.0).collect();
    let data: Vec<f32> = host.iter().map(|x| *x as f32).collect();
    (host, Tensor::from_data(TensorData::new(data, shape), device))
}

fn check<const D: usize>(found: Tensor<D>, expected: &[f64], what: &str) {
    let found: Vec<f64> = found.into_data().iter().collect();
    let far = relative_distance(&found, expected);
    assert!(far < TOLERANCE, "{what} differs by {far:e}");
}

#[test]
fn operations_are_their_definitions() {
    for spec in devices() {
        let device = spec.resolve().unwrap();
        elementwise(&device, &format!("on {spec}"));
        products(&device, &format!("on {spec}"));
        windows(&device, &format!("on {spec}"));
    }
}

fn elementwise(device: &Device, on: &str) {
    let ((a, ta), (b, tb)) = (values("a", [5, 7], device), values("b", [5, 7], device));
    let sums: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    check(ta.clone() + tb, &sums, &format!("addition {on}"));
    let positive: Vec<f64> = a.iter().map(|a| a.max(0.0)).collect();
    check(relu(ta.clone()), &positive, &format!("relu {on}"));
    let rows: Vec<f64> = a.chunks(7).map(|row| row.iter().sum()).collect();
    check(ta.clone().sum_dim(1), &rows, &format!("sum over rows {on}"));
    let logs = a.chunks(7).flat_map(|row| {
        let total = row.iter().map(|x| x.exp()).sum::<f64>().ln();
        row.iter().map(move |x| x - total)
    });
    check(log_softmax(ta, 1), &logs.collect::<Vec<_>>(), &format!("log softmax {on}"));
}

fn products(device: &Device, on: &str) {
    for [n, k, m] in [[2, 3, 4], [2, 784, 300], [64, 65, 33], [128, 128, 128]] {
        let ((x, tx), (w, tw)) = (values("x", [n, k], device), values("w", [k, m], device));
        let (b, tb) = values("b", [m], device);
        let y = |i: usize, j: usize| (0..k).map(|l| x[i * k + l] * w[l * m + j]).sum::<f64>() + b[j];
        let expected: Vec<f64> =
            (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| y(i, j)).collect();
        check(linear(tx, tw, Some(tb)), &expected, &format!("linear {n}x{k}x{m} {on}"));
    }
}

fn windows(device: &Device, on: &str) {
    let (x, tx) = values("x", [2, 3, 6, 5], device);
    let (w, tw) = values("w", [4, 3, 3, 3], device);
    let at = |n: usize, c: usize, y: isize, x_: isize| match ((0..6).contains(&y), (0..5).contains(&x_)) {
        (true, true) => x[((n * 3 + c) * 6 + y as usize) * 5 + x_ as usize],
        _ => 0.0,
    };
    let (mut convolved, mut pooled) = (Vec::new(), Vec::new());
    for n in 0..2 {
        for o in 0..4 {
            for (oy, ox) in (0..3).flat_map(|y| (0..3).map(move |x| (y, x))) {
                let taps = (0..27).map(|k| (k / 9, (k / 3) % 3, k % 3));
                let terms = taps.map(|(c, ky, kx)| {
                    at(n, c, 2 * oy + ky as isize - 1, 2 * ox + kx as isize - 1)
                        * w[((o * 3 + c) * 3 + ky) * 3 + kx]
                });
                convolved.push(terms.sum());
            }
        }
        for c in 0..3 {
            for (y, x) in (0..3).flat_map(|y| (0..2).map(move |x| (2 * y, 2 * x))) {
                pooled.push(at(n, c, y, x).max(at(n, c, y, x + 1)).max(at(n, c, y + 1, x)).max(at(
                    n,
                    c,
                    y + 1,
                    x + 1,
                )));
            }
        }
    }
    let options = ConvOptions::new([2, 2], [1, 1], [1, 1], 1);
    check(Ops::default().conv2d(tx.clone(), tw, None, options), &convolved, &format!("convolution {on}"));
    check(max_pool2d(tx.clone(), MaxPoolOptions::new([2, 2])), &pooled, &format!("max pooling {on}"));

    let ones = Tensor::ones([3], device);
    let epilogue = Epilogue { residual: Some(tx.clone()), activation: Some(Activation::HSwish) };
    let zeros = || Tensor::zeros([3], device);
    let normalized = Ops::default().batch_norm_train(tx, ones, zeros(), 1e-5, epilogue).output;
    let channel = |c: usize| (0..2).flat_map(move |n| (0..30).map(move |p| (n * 3 + c) * 30 + p));
    let mut expected = vec![0.0; x.len()];
    for c in 0..3 {
        let mean = channel(c).map(|i| x[i]).sum::<f64>() / 60.0;
        let variance = channel(c).map(|i| (x[i] - mean).powi(2)).sum::<f64>() / 60.0;
        channel(c).for_each(|i| {
            let sum = (x[i] - mean) / (variance + 1e-5).sqrt() + x[i];
            expected[i] = sum * (sum + 3.0).clamp(0.0, 6.0) / 6.0;
        });
    }
    check(normalized, &expected, &format!("batch normalisation with residual and activation {on}"));
}
