//! How good predictions are.

/// What a set of predictions is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Root mean squared error, in the unit of the targets.
    pub rmse: f64,
    /// Kendall's tau-b: 1 if all pairs are in the right order, -1 if none is.
    pub tau: f64,
}

impl Quality {
    /// Of these predictions.
    ///
    /// # Panics
    /// If there is not one prediction for each target.
    pub fn of(predictions: &[f64], targets: &[f64]) -> Self {
        Self { rmse: rmse(predictions, targets), tau: kendall_tau(predictions, targets) }
    }
}

/// The root of the mean squared error; not a number where there are no predictions.
///
/// # Panics
/// If there is not one prediction for each target.
pub fn rmse(predictions: &[f64], targets: &[f64]) -> f64 {
    assert_eq!(predictions.len(), targets.len(), "one prediction for each target");
    let squares: f64 = predictions.iter().zip(targets).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / targets.len() as f64).sqrt()
}

/// Kendall's tau-b, which allows for ties, by Knight's algorithm (1966, JASA 61(314)): one
/// sort by the first and a merge sort by the second that counts exchanges, `n log n`. Not a
/// number where one of both is constant.
///
/// # Panics
/// If both do not have the same length.
pub fn kendall_tau(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len(), "pairs");
    // Ties are found by sorting, which tells -0 from 0: there is 0 alone.
    let mut pairs: Vec<(f64, f64)> = one.iter().zip(other).map(|(a, b)| (0.0 + a, 0.0 + b)).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let ties = |same: &dyn Fn(usize, usize) -> bool| {
        let (mut sum, mut start) = (0u64, 0);
        for at in 1..=one.len() {
            if at == one.len() || !same(start, at) {
                let run = (at - start) as u64;
                sum += run * (run - 1) / 2;
                start = at;
            }
        }
        sum
    };
    if one.is_empty() {
        return f64::NAN;
    }
    let n = one.len() as u64;
    let all = n * (n - 1) / 2;
    let in_first = ties(&|a, b| pairs[a].0 == pairs[b].0);
    let in_both = ties(&|a, b| pairs[a] == pairs[b]);
    let mut seconds: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let exchanges = merge_sort(&mut seconds);
    let in_second = ties(&|a, b| seconds[a] == seconds[b]);
    let difference = (all + in_both) as f64 - (in_first + in_second) as f64 - 2.0 * exchanges as f64;
    difference / ((all - in_first) as f64 * (all - in_second) as f64).sqrt()
}

/// Sorts and counts how many pairs stood the wrong way round.
fn merge_sort(numbers: &mut [f64]) -> u64 {
    if numbers.len() < 2 {
        return 0;
    }
    let (left, right) = numbers.split_at_mut(numbers.len() / 2);
    let mut exchanges = merge_sort(left) + merge_sort(right);
    let (mut merged, mut rest) = (Vec::with_capacity(left.len() + right.len()), right.iter().peekable());
    for (passed, number) in left.iter().enumerate() {
        while let Some(smaller) = rest.next_if(|other| **other < *number) {
            merged.push(*smaller);
            exchanges += (left.len() - passed) as u64;
        }
        merged.push(*number);
    }
    merged.extend(rest);
    numbers.copy_from_slice(&merged);
    exchanges
}

/// A row of a calibration table: predictions that lie near each other, beside what was
/// observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// How many.
    pub count: usize,
    /// The mean of the predictions.
    pub predicted: f64,
    /// The mean of what was observed.
    pub observed: f64,
    /// The root mean squared error.
    pub rmse: f64,
}

impl Calibration {
    /// The predictions in ascending order, cut into this many parts of (nearly) equal
    /// numbers. Of a calibrated predictor, `predicted` and `observed` agree in every row.
    ///
    /// # Panics
    /// If there is not one prediction for each target.
    pub fn table(predictions: &[f64], targets: &[f64], rows: usize) -> Vec<Self> {
        assert_eq!(predictions.len(), targets.len(), "one prediction for each target");
        let mut pairs: Vec<(f64, f64)> = predictions.iter().copied().zip(targets.iter().copied()).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rows = rows.clamp(1, pairs.len().max(1));
        let bound = |row: usize| row * pairs.len() / rows;
        let parts = (0..rows).map(|row| &pairs[bound(row)..bound(row + 1)]).filter(|part| !part.is_empty());
        let row = |part: &[(f64, f64)]| {
            let (predicted, observed): (Vec<f64>, Vec<f64>) = part.iter().copied().unzip();
            let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
            Self {
                count: part.len(),
                predicted: mean(&predicted),
                observed: mean(&observed),
                rmse: rmse(&predicted, &observed),
            }
        };
        parts.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Stream, stream};
    use rand::RngExt as _;

    /// The definition, over all pairs.
    fn by_pairs(one: &[f64], other: &[f64]) -> f64 {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for a in 0..one.len() {
            for b in 0..a {
                let sign = |difference: f64| if difference == 0.0 { 0.0 } else { difference.signum() };
                let (x, y) = (sign(one[a] - one[b]), sign(other[a] - other[b]));
                sum += x * y;
                first += x * x;
                second += y * y;
            }
        }
        sum / (f64::sqrt(first) * f64::sqrt(second))
    }

    #[test]
    fn tau_is_what_all_pairs_give_with_and_without_ties() {
        for (seed, range) in (0..60).zip([3, 8, 1000].into_iter().cycle()) {
            let mut rng = stream(seed, Stream::Probe, 0);
            let mut numbers = || (0..50).map(|_| f64::from(rng.random_range(0..range))).collect::<Vec<_>>();
            let (one, other) = (numbers(), numbers());
            assert!((kendall_tau(&one, &other) - by_pairs(&one, &other)).abs() < 1e-12);
        }
        assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[5.0, 6.0, 7.0]), 1.0);
        assert!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
        // 0 and -0 are a tie: of three pairs two are in order, and one says nothing.
        assert_eq!(kendall_tau(&[-0.0, 0.0, 1.0], &[2.0, 1.0, 3.0]), 2.0 / 6f64.sqrt());
    }

    #[test]
    fn a_calibration_table_shows_where_predictions_are_off() {
        let predictions: Vec<f64> = (0..10).map(f64::from).rev().collect();
        let targets: Vec<f64> = predictions.iter().map(|p| if *p < 5.0 { *p } else { p + 2.0 }).collect();
        let table = Calibration::table(&predictions, &targets, 2);
        assert_eq!(table[0], Calibration { count: 5, predicted: 2.0, observed: 2.0, rmse: 0.0 });
        assert_eq!(table[1], Calibration { count: 5, predicted: 7.0, observed: 9.0, rmse: 2.0 });
    }
}
