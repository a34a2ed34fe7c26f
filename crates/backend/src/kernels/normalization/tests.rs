//! Batch normalisation against its definition.

use super::*;
use proptest::prelude::*;

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// `size` is the norm of the terms that were summed: sums of a few may cancel.
fn close<T: Float>(found: &[T], expected: &[f64], size: f64) -> bool {
    let difference = norm(found.iter().zip(expected).map(|(a, b)| a.to_f64() - b));
    found.len() == expected.len() && difference <= T::TOLERANCE * size
}

/// One channel by the definition, in f64: output, and the gradients of input,
/// scale and shift.
fn reference(x: &[f64], dy: &[f64], gamma: f64, beta: f64, epsilon: f64) -> (Vec<f64>, Vec<f64>, f64, f64) {
    let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / x.len() as f64;
    let mean = mean_of(&mut x.iter().copied());
    let variance = mean_of(&mut x.iter().map(|x| (x - mean).powi(2)));
    let z: Vec<f64> = x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt()).collect();
    let products = || z.iter().zip(dy).map(|(z, dy)| z * dy);
    let (mean_dy, mean_product) = (mean_of(&mut dy.iter().copied()), mean_of(&mut products()));
    let scale = gamma / (variance + epsilon).sqrt();
    let dx = z.iter().zip(dy).map(|(z, dy)| scale * (dy - mean_dy - z * mean_product));
    let output = z.iter().map(|z| gamma * z + beta);
    (output.collect(), dx.collect(), products().sum(), dy.iter().sum())
}

/// Both passes against the definition, for values around some offset.
fn check<T: Float>(size: Size, offset: f64) -> Result<(), TestCaseError> {
    let count = size.images * size.plane;
    let n = count * size.channels;
    let number = |i: usize, seed: usize| ((i * 7919 + seed) % 1009) as f64 / 504.5 - 1.0;
    let numbers = |n: usize, seed: usize| (0..n).map(move |i| T::from_f64(number(i, seed)));
    let x: Vec<T> = (0..n).map(|i| T::from_f64(number(i, 1) + offset)).collect();
    let dy: Vec<T> = numbers(n, 2).collect();
    let (gamma, beta): (Vec<T>, Vec<T>) = numbers(size.channels, 3).zip(numbers(size.channels, 4)).unzip();
    let forward = normalize(size, &x, &gamma, &beta, 1e-5);
    let statistics = (&forward.mean[..], &forward.variance[..]);
    let backward = normalize_backward(size, &x, &dy, &gamma, statistics, 1e-5);
    for c in 0..size.channels {
        let of = |values: &[T]| -> Vec<T> { size.planes(values, c).flatten().copied().collect() };
        let wide = |values: &[T]| -> Vec<f64> { of(values).into_iter().map(T::to_f64).collect() };
        let (gamma, beta) = (gamma[c].to_f64(), beta[c].to_f64());
        let (y, dx, dgamma, dbeta) = reference(&wide(&x), &wide(&dy), gamma, beta, 1e-5);
        let deviation = (forward.variance[c].to_f64() + 1e-5).sqrt();
        let all = norm(wide(&dy).into_iter());
        prop_assert!(close(&of(&forward.output), &y, norm(y.iter().copied())), "output");
        prop_assert!(close(&of(&backward.input), &dx, all * gamma.abs() / deviation), "input gradient");
        let room = all * (count as f64).sqrt();
        prop_assert!(close(&[backward.gamma[c]], &[dgamma], room), "scale");
        prop_assert!(close(&[backward.beta[c]], &[dbeta], room), "shift");
    }
    Ok(())
}

proptest! {
    #[test]
    fn both_passes_are_the_definition(
        images in 1usize..6, channels in 1usize..4, plane in 1usize..50, offset in -30.0f64..30.0,
    ) {
        prop_assume!(images * plane > 1);
        let size = Size { images, channels, plane };
        check::<f32>(size, offset)?;
        check::<f64>(size, offset)?;
    }
}
