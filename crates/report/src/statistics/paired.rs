//! Two methods on the same replicates: by how much they differ.

use std::collections::BTreeMap;

use super::{Summary, student_t::two_sided_p_value, summary::magnitude};

/// The differences between two methods within each replicate that both were run on.
///
/// A replicate fixes for both methods what chance decides: the initial weights, the
/// order of the examples. What these do to both alike drops out of the difference, so
/// that fewer replicates show it than two separate means would need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedComparison {
    /// The first method's value less the second's, over the shared replicates, with
    /// the mean difference and its confidence interval.
    pub differences: Summary,
    /// The two-sided p value of the paired t test: how probable a t statistic at
    /// least this far from zero is where the methods do not differ. It is not corrected
    /// for the number of comparisons that a study makes.
    ///
    /// None wherever the differences have no interval: for fewer than two replicates,
    /// where every replicate differs by the same but for rounding, and where any value
    /// is not finite.
    pub p_value: Option<f64>,
}

impl PairedComparison {
    /// Compares values by the number of their replicate, or answers `None` where no
    /// replicate is shared. Replicates that only one of the two has are not looked at.
    pub fn of<R: Ord>(first: &BTreeMap<R, f64>, second: &BTreeMap<R, f64>) -> Option<Self> {
        let shared = first.iter().filter_map(|(replicate, a)| Some([*a, *second.get(replicate)?]));
        let pairs: Vec<[f64; 2]> = shared.collect();
        let differences: Vec<f64> = pairs.iter().map(|[a, b]| a - b).collect();
        // A difference carries the rounding of the values, not that of its own size.
        let differences = Summary::with_magnitude(&differences, magnitude(pairs.as_flattened()))?;
        let p_value = differences
            .standard_error()
            .and_then(|error| two_sided_p_value(differences.mean / error, differences.n - 1));
        Some(Self { differences, p_value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(values: &[f64]) -> BTreeMap<usize, f64> {
        values.iter().copied().enumerate().collect()
    }

    fn compare(first: &[f64], second: &[f64]) -> PairedComparison {
        PairedComparison::of(&numbered(first), &numbered(second)).unwrap()
    }

    fn check(first: &[f64], second: &[f64], expected: [f64; 4]) {
        let PairedComparison { differences, p_value } = compare(first, second);
        let interval = differences.interval.unwrap();
        let found = [differences.mean, p_value.unwrap(), interval.low, interval.high];
        let close = |(found, expected): (f64, f64)| (found - expected).abs() <= 1e-10 * expected.abs();
        assert!(found.into_iter().zip(expected).all(close), "{found:?} is not {expected:?}");
    }

    const A: [f64; 5] = [91.2, 90.8, 91.9, 90.1, 91.4];
    const B: [f64; 5] = [90.1, 90.9, 90.6, 89.5, 90.2];

    #[test]
    fn the_paired_t_test_is_the_one_of_scipy() {
        // scipy 1.17.1: np.mean(np.subtract(a, b)), then `pvalue` and
        // `confidence_interval(0.95)` of stats.ttest_rel(a, b)
        check(&A, &B, [0.82, 0.03423259197830414, 0.09919292716100037, 1.540807072839003]);
        check(&B, &A, [-0.82, 0.03423259197830414, -1.540807072839003, -0.09919292716100037]);
        check(
            &[1.0, 2.0, 4.0, 5.0],
            &[2.0, 1.0, 5.0, 4.0],
            [0.0, 1.0, -1.8373862310370785, 1.8373862310370785],
        );
        check(&A[..2], &B[..2], [0.5, 0.5577158767526135, -7.123722841704925, 8.123722841704925]);
    }

    #[test]
    fn only_shared_replicates_are_compared() {
        let first = BTreeMap::from([(1, 90.0), (3, 91.0), (4, 93.0)]);
        let second = BTreeMap::from([(0, 10.0), (3, 90.0), (4, 91.5), (7, f64::NAN)]);
        let shared = PairedComparison::of(&first, &second).unwrap();
        assert_eq!(shared, compare(&[91.0, 93.0], &[90.0, 91.5]));
        assert_eq!(PairedComparison::of(&first, &BTreeMap::from([(0, 10.0)])), None);
    }

    #[test]
    fn nothing_is_claimed_of_one_replicate_of_equal_differences_or_of_a_diverged_run() {
        let one = compare(&A[..1], &B[..1]);
        assert_eq!((one.differences.standard_deviation, one.p_value), (None, None));
        // 1.2 each time, of which the last digits differ.
        let equal = compare(&[97.3, 95.2, 0.4], &[96.1, 94.0, -0.8]);
        assert_eq!((equal.differences.interval, equal.p_value), (None, None));
        assert_eq!(compare(&A, &A).p_value, None);
        let diverged = compare(&[f64::NAN, 91.0, 92.0], &[90.0, 90.5, 90.6]);
        assert!(diverged.differences.mean.is_nan());
        assert_eq!((diverged.differences.n, diverged.p_value), (3, None));
    }
}
