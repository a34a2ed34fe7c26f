//! How often something succeeds.

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{CONFIDENCE, Interval};

/// Successes among independent trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// How many trials succeeded.
    pub successes: usize,
    /// Of how many, at least one.
    pub trials: usize,
    /// The confidence interval of the probability of success, between 0 and 1: the
    /// score interval of Wilson (1927), without continuity correction.
    ///
    /// It is there for any number of trials, since it does not need a spread: 20
    /// successes of 20 still leave room below 1.
    pub interval: Interval,
}

impl Proportion {
    /// `successes` of `trials` trials, or `None` where there are no trials or
    /// more successes than trials.
    pub fn new(successes: usize, trials: usize) -> Option<Self> {
        if trials == 0 || trials < successes {
            return None;
        }
        Some(Self { successes, trials, interval: wilson(successes as f64, trials as f64) })
    }

    /// The fraction of trials that succeeded.
    pub fn fraction(&self) -> f64 {
        self.successes as f64 / self.trials as f64
    }
}

/// The probabilities that lie within z standard errors of the observed one, where the
/// standard error is theirs and not the observed one's:
///
/// ```text
/// (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
/// ```
fn wilson(k: f64, n: f64) -> Interval {
    let z = Normal::standard().inverse_cdf(0.5 + CONFIDENCE / 2.0);
    // The formula times n, above and below.
    let margin = z * (k * (n - k) / n + z * z / 4.0).sqrt();
    let Interval { low, high } = Interval::around(k + z * z / 2.0, margin);
    let whole = n + z * z;
    // At the ends it is 0 and 1, which rounding would miss by a digit.
    Interval { low: if k == 0.0 { 0.0 } else { low / whole }, high: if k == n { 1.0 } else { high / whole } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_scipy() {
        // scipy 1.17.1: stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
        let cases = [
            ((0, 20), [0.0, 0.16112515805281935]),
            ((1, 20), [0.008881448800795402, 0.23613119344674205]),
            ((13, 20), [0.4328542766852363, 0.8188081758989179]),
            ((20, 20), [0.8388748419471808, 1.0]),
            ((0, 1), [0.0, 0.7934506856227626]),
            ((9725, 10_000), [0.9691088136427412, 0.9755283078969695]),
        ];
        for ((successes, trials), [low, high]) in cases {
            let found = Proportion::new(successes, trials).unwrap();
            let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-13 * expected;
            let is_close = close(found.interval.low, low) && close(found.interval.high, high);
            assert!(is_close && found.interval.contains(found.fraction()), "{found:?}");
        }
    }

    #[test]
    fn what_is_no_proportion_is_none() {
        assert_eq!((Proportion::new(0, 0), Proportion::new(3, 2)), (None, None));
    }
}
