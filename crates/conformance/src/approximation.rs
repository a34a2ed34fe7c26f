//! How far two vectors are apart.

/// The norm of the difference over the norm of what was expected.
pub fn relative_distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "vectors of different lengths");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    difference / norm(&mut expected.iter().copied()).max(f64::MIN_POSITIVE)
}

/// The difference of two numbers over the expected one.
pub fn distance(found: f64, expected: f64) -> f64 {
    relative_distance(&[found], &[expected])
}
