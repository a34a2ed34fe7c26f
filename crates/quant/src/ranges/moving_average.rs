//! Bounds that follow the batches.

/// The weight of a batch.
const WEIGHT: f64 = 0.01;

/// The average of the extremes of batches in which each newer one has a hundredth: `m += 0.01 (batch - m)`, from the
/// first batch on (PyTorch's `MovingAverageMinMaxObserver`).
pub(crate) fn moving_average(batches: &[[f32; 2]]) -> [f32; 2] {
    let mut batches = batches.iter().map(|batch| batch.map(f64::from));
    let first = batches.next().unwrap_or_default();
    let moved = batches
        .fold(first, |[min, max], [low, high]| [min + WEIGHT * (low - min), max + WEIGHT * (high - max)]);
    moved.map(|bound| bound as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MovingAverageMinMaxObserver` of PyTorch 2.15, after the same three batches.
    #[test]
    fn each_batch_moves_the_bounds_by_a_hundredth() {
        let found = moving_average(&[[-1.0, 2.0], [-3.0, 1.0], [0.0, 5.0]]);
        assert_eq!(found, [-1.0098, 2.0201]);
    }
}
