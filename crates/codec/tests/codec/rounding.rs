//! Rounding to levels that cost little.

use sapwood_codec::{Code, Coder, Error, Rounding};

use crate::sources::Random;

/// Weights with a sharp peak at zero (Laplace), as after training with a penalty.
fn laplace(len: usize) -> Vec<f32> {
    let mut random = Random(11);
    let weight = |random: &mut Random| {
        let uniform = random.uniform() - 0.5;
        (-uniform.signum() * (1.0 - 2.0 * uniform.abs()).max(1e-9).ln() * 0.02) as f32
    };
    (0..len).map(|_| weight(&mut random)).collect()
}

fn distortion(weights: &[f32], levels: &[i32], step: f32) -> f64 {
    let error = |(weight, level): (&f32, &i32)| f64::from(*weight) - f64::from(*level) * f64::from(step);
    weights.iter().zip(levels).map(|pair| error(pair).powi(2)).sum::<f64>()
}

fn bytes(levels: &[i32], width: usize) -> usize {
    Coder::rows(width).code(Code::Adaptive).encode(levels).unwrap().bytes().len()
}

#[test]
fn without_lambda_it_is_the_nearest_level() {
    let rounding = Rounding { step: 0.5, lambda: 0.0, width: 1 };
    assert_eq!(rounding.round(&[0.2, 0.3, -0.8, 0.25, 0.75, 3.0], None).unwrap(), [0, 1, -2, 0, 2, 6]);
}

#[test]
fn for_the_same_error_it_takes_fewer_bytes_than_a_coarser_grid() {
    let weights = laplace(60_000);
    let chosen = Rounding { step: 0.04, lambda: 2e-4, width: 300 }.round(&weights, None).unwrap();
    let error = distortion(&weights, &chosen, 0.04);
    // The grid with the same error when all are rounded to the nearest.
    let nearest = |step: f32| Rounding { step, lambda: 0.0, width: 300 }.round(&weights, None).unwrap();
    let steps: Vec<f32> = (400..800).map(|parts| parts as f32 * 1e-4).collect();
    let step = steps.into_iter().find(|step| error <= distortion(&weights, &nearest(*step), *step)).unwrap();
    let (with, without) = (bytes(&chosen, 300), bytes(&nearest(step), 300));
    assert!(100 * with < 96 * without, "{with} bytes with, {without} without at step {step}");
}

#[test]
fn the_dearer_a_bit_the_fewer_bytes_and_the_more_error() {
    let weights = laplace(20_000);
    let at = |lambda| {
        let levels = Rounding { step: 0.01, lambda, width: 200 }.round(&weights, None).unwrap();
        (bytes(&levels, 200), distortion(&weights, &levels, 0.01))
    };
    let rates = [0.0, 1e-5, 3e-5, 1e-4].map(at);
    assert!(rates.is_sorted_by(|a, b| b.0 < a.0 && a.1 < b.1), "{rates:?}");
}

#[test]
fn what_is_important_keeps_its_value() {
    let weights = laplace(20_000);
    let importance: Vec<f32> = (0..weights.len()).map(|at| if at % 2 == 0 { 1e6 } else { 1.0 }).collect();
    let rounding = Rounding { step: 0.01, lambda: 1e-4, width: 200 };
    let levels = rounding.round(&weights, Some(&importance)).unwrap();
    let nearest = Rounding { lambda: 0.0, ..rounding }.round(&weights, None).unwrap();
    let same = |rest: usize| (rest..levels.len()).step_by(2).filter(|at| levels[*at] == nearest[*at]).count();
    assert_eq!(same(0), 10_000);
    assert!(same(1) < 8_000, "{}", same(1));
}

#[test]
fn numbers_out_of_range_are_named() {
    let rounding = Rounding { step: 0.1, lambda: 0.1, width: 1 };
    let message = |rounding: Rounding, weights: &[f32], importance: Option<&[f32]>| {
        let error: Error = rounding.round(weights, importance).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message(Rounding { step: 0.0, ..rounding }, &[], None),
        "the step must be finite and greater than 0, but it is 0"
    );
    assert_eq!(
        message(Rounding { lambda: f32::NAN, ..rounding }, &[], None),
        "lambda must be finite and not negative, but it is NaN"
    );
    assert_eq!(
        message(rounding, &[f32::INFINITY], None),
        "a weight must be within 2^30 steps of 0, but it is inf"
    );
    assert_eq!(
        message(rounding, &[1.0, 2.0], Some(&[1.0])),
        "the importances must be as many as the weights, but it is 1 for 2 weights"
    );
    assert_eq!(
        message(rounding, &[1.0], Some(&[-1.0])),
        "an importance must be finite and not negative, but it is -1"
    );
}
