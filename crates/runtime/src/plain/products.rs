//! Linear layers at places that do not lie as pixels, or are rounded row by row.

use sapwood_kernels::infer::Function;

use super::arithmetic::of;

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
