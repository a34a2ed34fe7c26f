//! The operations that networks are made of, against their definitions on the host.

use burn::tensor::{
    Tensor,
    activation::{log_softmax, relu},
    module::{linear, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};
use sapwood_backend::{Activation, Epilogue, Ops};

use crate::{Findings, On, Outcome, check::values};

pub(super) async fn elementwise_operations_are_their_definitions(on: &On, found: &mut Findings) -> Outcome {
    let room = on.tolerances.operation;
    let ((a, ta), (b, tb)) = (on.values("a", [5, 7]), on.values("b", [5, 7]));
    let sums: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    found.tensor_near("addition", ta.clone() + tb, &sums, room).await?;
    let positive: Vec<f64> = a.iter().map(|a| a.max(0.0)).collect();
    found.tensor_near("relu", relu(ta.clone()), &positive, room).await?;
    let rows: Vec<f64> = a.chunks(7).map(|row| row.iter().sum()).collect();
    found.tensor_near("sum over rows", ta.clone().sum_dim(1), &rows, room).await?;
    let logs = a.chunks(7).flat_map(|row| {
        let total = row.iter().map(|x| x.exp()).sum::<f64>().ln();
        row.iter().map(move |x| x - total)
    });
    found.tensor_near("log softmax", log_softmax(ta, 1), &logs.collect::<Vec<_>>(), room).await
}

pub(super) async fn products_are_their_definitions(on: &On, found: &mut Findings) -> Outcome {
    for [n, k, m] in [[2, 3, 4], [2, 784, 300], [64, 65, 33], [128, 128, 128]] {
        let ((x, tx), (w, tw)) = (on.values("x", [n, k]), on.values("w", [k, m]));
        let (b, tb) = on.values("b", [m]);
        let y = |i: usize, j: usize| (0..k).map(|l| x[i * k + l] * w[l * m + j]).sum::<f64>() + b[j];
        let expected: Vec<f64> =
            (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| y(i, j)).collect();
        let what = format!("linear {n}x{k}x{m}");
        found.tensor_near(what, linear(tx, tw, Some(tb)), &expected, on.tolerances.operation).await?;
    }
    Ok(())
}

pub(super) async fn windows_are_their_definitions(on: &On, found: &mut Findings) -> Outcome {
    let room = on.tolerances.operation;
    let (x, tx) = on.values("x", [2, 3, 6, 5]);
    let (w, tw) = on.values("w", [4, 3, 3, 3]);
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
                let window = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)];
                pooled.push(window.map(|(y, x)| at(n, c, y, x)).into_iter().fold(f64::MIN, f64::max));
            }
        }
    }
    let options = ConvOptions::new([2, 2], [1, 1], [1, 1], 1);
    let output = Ops::default().conv2d(tx.clone(), tw, None, options);
    found.tensor_near("convolution", output, &convolved, room).await?;
    let output = max_pool2d(tx.clone(), MaxPoolOptions::new([2, 2]));
    found.tensor_near("max pooling", output, &pooled, room).await?;

    let ones = Tensor::ones([3], &on.device);
    let epilogue = Epilogue { residual: Some(tx.clone()), activation: Some(Activation::HSwish) };
    let zeros = Tensor::zeros([3], &on.device);
    let normalized = Ops::default().batch_norm_train(tx, ones, zeros, 1e-5, epilogue).output;
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
    found.tensor_near("batch normalisation with residual and activation", normalized, &expected, room).await
}

/// Of a layer and the sum of its outputs' squares: `dy = 2y`, `dw = x^T dy`, `dx = dy w^T`.
pub(super) async fn gradients_of_a_product_are_products(on: &On, found: &mut Findings) -> Outcome {
    let [n, k, m] = [5, 33, 7];
    let ((x, tx), (w, tw)) = (on.values("x", [n, k]), on.values("w", [k, m]));
    let [tx, tw] = [tx, tw].map(|tensor| tensor.autodiff().require_grad());
    let y: Vec<f64> = (0..n * m)
        .map(|at| (0..k).map(|l| x[at / m * k + l] * w[l * m + at % m]).sum::<f64>().max(0.0))
        .collect();
    let dw = (0..k * m).map(|at| (0..n).map(|i| 2.0 * x[i * k + at / m] * y[i * m + at % m]).sum());
    let dx = (0..n * k).map(|at| (0..m).map(|j| 2.0 * y[at / k * m + j] * w[at % k * m + j]).sum());
    let (dw, dx): (Vec<f64>, Vec<f64>) = (dw.collect(), dx.collect());
    let gradients = relu(linear(tx.clone(), tw.clone(), None)).square().sum().backward();
    for (what, tensor, expected) in [("weights", tw, dw), ("inputs", tx, dx)] {
        let Some(gradient) = tensor.grad(&gradients) else {
            found.holds(format!("the {what} have a gradient"), false);
            continue;
        };
        found.near(
            format!("gradient of {what}"),
            &values(gradient).await?,
            &expected,
            on.tolerances.operation,
        );
    }
    Ok(())
}
