//! Products of matrices.

use sapwood_kernels::infer::Function;

use super::{arithmetic::of, lists::broadcast};

/// Multiplies matrices, which are the last two dimensions.
pub(super) fn matmul([a, b]: [&[usize]; 2], to: &[usize]) -> Function {
    let before = &to[..to.len() - 2];
    let begins = |sizes: &[usize]| {
        let (before_own, matrix) = sizes.split_at(sizes.len() - 2);
        let numbers: usize = matrix.iter().product();
        broadcast(before_own, before).into_iter().map(|at| at * numbers).collect::<Vec<usize>>()
    };
    let (of_a, of_b) = (begins(a), begins(b));
    let (inner, [rows, columns]) = (a[a.len() - 1], [to[to.len() - 2], to[to.len() - 1]]);
    of(move |from, to| {
        for ((to, &a), &b) in to.chunks_mut(rows * columns).zip(&of_a).zip(&of_b) {
            for (to, row) in to.chunks_mut(columns).zip(from[0][a..].chunks(inner)) {
                for (column, to) in to.iter_mut().enumerate() {
                    let column = from[1][b + column..].iter().step_by(columns);
                    *to = dot(row, column) as f32;
                }
            }
        }
    })
}

/// Applies a layer at each place, which has `inputs` numbers.
pub(super) fn linear(inputs: usize, weight: Vec<f32>, bias: Vec<f32>) -> Function {
    of(move |from, to| {
        for (to, x) in to.chunks_mut(bias.len()).zip(from[0].chunks(inputs)) {
            for ((to, weight), bias) in to.iter_mut().zip(weight.chunks(inputs)).zip(&bias) {
                *to = (f64::from(*bias) + dot(x, weight)) as f32;
            }
        }
    })
}

/// The same of each row as its own 256 integers say it, between its smallest value and its largest one, or 0 (ONNX's
/// DynamicQuantizeLinear).
pub(super) fn linear_of_rounded(inputs: usize, weight: Vec<f32>, bias: Vec<f32>) -> Function {
    const STEPS: f32 = 255.0;
    of(move |from, to| {
        for (to, x) in to.chunks_mut(bias.len()).zip(from[0].chunks(inputs)) {
            let low = x.iter().copied().fold(0.0, f32::min);
            let high = x.iter().copied().fold(0.0, f32::max);
            // A row of nothing else than 0 stays so.
            let scale = if high > low { (high - low) / STEPS } else { 1.0 };
            let zero = (-low / scale).round_ties_even().clamp(0.0, STEPS);
            let rounded = |x: f32| (((x / scale).round_ties_even() + zero).clamp(0.0, STEPS) - zero) * scale;
            for ((to, weight), bias) in to.iter_mut().zip(weight.chunks(inputs)).zip(&bias) {
                let products = x.iter().zip(weight).map(|(x, w)| f64::from(rounded(*x)) * f64::from(*w));
                *to = (f64::from(*bias) + products.sum::<f64>()) as f32;
            }
        }
    })
}

fn dot<'a>(a: &[f32], b: impl IntoIterator<Item = &'a f32>) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Gives `softmax(Q K^T / sqrt(d)) V` between the places, in each head, which has `d` channels.
pub(super) fn attention(heads: usize, channels: usize, places: usize) -> Function {
    let width = channels / heads;
    of(move |from, to| {
        let per_head = width * places;
        for (head, to) in to.chunks_mut(per_head).enumerate() {
            let [queries, keys, values] =
                [from[0], from[1], from[2]].map(|x| &x[head * per_head..][..per_head]);
            let column = |x: &[f32], place: usize, channel: usize| f64::from(x[channel * places + place]);
            for query in 0..places {
                let likeness = |key: usize| {
                    let product = |channel| column(queries, query, channel) * column(keys, key, channel);
                    (0..width).map(product).sum::<f64>() / (width as f64).sqrt()
                };
                let most = (0..places).map(likeness).fold(f64::NEG_INFINITY, f64::max);
                let weight = |key: usize| libm::exp(likeness(key) - most);
                let mut sum = 0.0;
                (0..width).for_each(|channel| to[channel * places + query] = 0.0);
                for key in 0..places {
                    let weight = weight(key);
                    sum += weight;
                    for channel in 0..width {
                        to[channel * places + query] += (weight * column(values, key, channel)) as f32;
                    }
                }
                (0..width).for_each(|channel| {
                    let of = &mut to[channel * places + query];
                    *of = (f64::from(*of) / sum) as f32;
                });
            }
        }
    })
}
