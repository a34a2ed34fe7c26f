//! The confidence interval, and the one level that all of them have.

/// The confidence level of every interval: 95 %.
///
/// It is fixed so that any two intervals of any two reports can be compared.
pub const CONFIDENCE: f64 = 0.95;

/// Two numbers between which a quantity lies, at the level [`CONFIDENCE`], in the
/// unit of that quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval `centre ± margin`.
    pub(super) fn around(centre: f64, margin: f64) -> Self {
        Self { low: centre - margin, high: centre + margin }
    }

    /// Whether `value` lies in the interval, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}
