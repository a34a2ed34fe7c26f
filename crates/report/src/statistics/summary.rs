//! One sample: where its values lie, how far apart, and how well the mean is known.

use super::{CONFIDENCE, Interval, student_t::two_sided_quantile};

/// Some values of one quantity, one for each replicate, summed up in their own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many values there are, at least one.
    pub n: usize,
    /// Their arithmetic mean; NaN where any of them is not finite.
    pub mean: f64,
    /// The sample standard deviation, with `n - 1` in the denominator; none for one
    /// value, and NaN where any is not finite. Values that differ by no more than
    /// rounding have zero.
    pub standard_deviation: Option<f64>,
    /// The confidence interval of the mean by Student's t, which takes the values for
    /// independent and about normally distributed.
    ///
    /// None where nothing can be claimed: for one value, for values without spread,
    /// and where any is not finite.
    pub interval: Option<Interval>,
}

impl Summary {
    /// The summary of `values`, or `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::with_magnitude(values, magnitude(values))
    }

    /// The summary of values that were computed from others of this magnitude, whose
    /// rounding they carry.
    pub(super) fn with_magnitude(values: &[f64], magnitude: f64) -> Option<Self> {
        let (n, mean) = (values.len(), mean(values)?);
        let standard_deviation = standard_deviation(values, mean).map(|deviation| {
            // Differences of 0.1 + 0.2 and 0.3 are no spread, and a t statistic that
            // took them for one would be huge. A few units in the last place is what
            // values cost that are themselves the result of a few operations.
            if deviation <= 4.0 * f64::EPSILON * magnitude { 0.0 } else { deviation }
        });
        let mut summary = Self { n, mean, standard_deviation, interval: None };
        summary.interval = summary.standard_error().and_then(|error| {
            let margin = two_sided_quantile(CONFIDENCE, n - 1)? * error;
            Some(Interval::around(mean, margin))
        });
        Some(summary)
    }

    /// The standard deviation of the mean, where there is an interval.
    pub(super) fn standard_error(&self) -> Option<f64> {
        let deviation = self.standard_deviation?;
        (deviation.is_finite() && 0.0 < deviation).then(|| deviation / (self.n as f64).sqrt())
    }
}

/// The largest absolute value.
pub(super) fn magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    if !values.iter().all(|value| value.is_finite()) {
        return Some(f64::NAN);
    }
    // Around the first value, so that the mean of equal values is that value exactly.
    Some(first + values.iter().map(|value| value - first).sum::<f64>() / values.len() as f64)
}

fn standard_deviation(values: &[f64], mean: f64) -> Option<f64> {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let freedom = values.len() - 1;
    (0 < freedom).then(|| (squares / freedom as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], mean: f64, standard_deviation: f64, [low, high]: [f64; 2]) {
        let summary = Summary::of(values).unwrap();
        let interval = summary.interval.unwrap();
        let found = [summary.mean, summary.standard_deviation.unwrap(), interval.low, interval.high];
        let close = |(found, expected): (f64, f64)| (found - expected).abs() <= 1e-11 * expected.abs();
        let expected = [mean, standard_deviation, low, high];
        assert!(found.into_iter().zip(expected).all(close), "{found:?} is not {expected:?}");
        assert_eq!(summary.n, values.len());
    }

    #[test]
    fn mean_deviation_and_interval_are_those_of_scipy() {
        // numpy and scipy 1.17.1: np.mean(x), np.std(x, ddof=1),
        // stats.t.interval(0.95, len(x) - 1, np.mean(x), stats.sem(x))
        let x = [91.2, 90.8, 91.9, 90.1, 91.4];
        check(&x, 91.08, 0.6760177512462278, [90.24061309613089, 91.91938690386911]);
        check(&[3.0, 6.0], 4.5, 2.1213203435596424, [-14.55930710426204, 23.55930710426204]);
    }

    #[test]
    fn one_value_says_nothing_of_the_spread_and_none_nothing_at_all() {
        let one = Summary { n: 1, mean: 97.25, standard_deviation: None, interval: None };
        assert_eq!(Summary::of(&[97.25]), Some(one));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn values_that_are_equal_but_for_rounding_have_no_interval() {
        let unspread = |mean, n| Summary { n, mean, standard_deviation: Some(0.0), interval: None };
        assert_eq!(Summary::of(&[0.1; 3]), Some(unspread(0.1, 3)));
        assert_eq!(Summary::of(&[0.0, -0.0]), Some(unspread(0.0, 2)));
        let rounded = Summary::of(&[0.3, 0.1 + 0.2]).unwrap();
        assert_eq!((rounded.standard_deviation, rounded.interval), (Some(0.0), None));
        // Ten times as far apart is a spread, however small.
        assert!(Summary::of(&[0.3, 0.3 + 40.0 * f64::EPSILON]).unwrap().interval.is_some());
    }

    #[test]
    fn a_run_that_diverged_is_not_left_out() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for values in [[1.0, 2.0, bad], [bad, 1.0, 2.0]] {
                let summary = Summary::of(&values).unwrap();
                assert!(summary.mean.is_nan() && summary.standard_deviation.unwrap().is_nan());
                assert_eq!((summary.n, summary.interval), (3, None));
            }
        }
    }
}
