//! Between which bounds the values of a network were seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The bounds between which each value of a network lay on calibration data, by the value's name.
pub type Ranges = BTreeMap<String, Range>;

/// The least and the largest number that was seen, and how often what lay between them, where that was
/// counted.
///
/// ```
/// use sapwood_graph::Range;
///
/// let seen = Range::of(-0.5, 2.0)?.union(&Range::of(0.0, 3.0)?);
/// assert_eq!((seen.min(), seen.max()), (-0.5, 3.0));
/// # Ok::<(), sapwood_graph::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Range {
    min: f32,
    max: f32,
    histogram: Option<Histogram>,
}

/// How many numbers fell into bins of equal width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Where the first bin begins.
    pub low: f32,
    /// Where the last bin ends.
    pub high: f32,
    /// How many numbers fell into each.
    pub counts: Vec<u64>,
}

impl Range {
    /// Bounds without a histogram.
    ///
    /// # Errors
    /// Bounds that are not finite, or in the wrong order.
    pub fn of(min: f32, max: f32) -> Result<Self, Error> {
        if !(min.is_finite() && max.is_finite() && min <= max) {
            let problem = format!("expected finite bounds, the lower one first, found {min} to {max}");
            return Err(Error::Quantization(problem));
        }
        Ok(Self { min, max, histogram: None })
    }

    /// With how often what was seen.
    ///
    /// # Errors
    /// A histogram without bins, that ends before it begins, or with bounds that are not finite.
    pub fn with(self, histogram: Histogram) -> Result<Self, Error> {
        let Histogram { low, high, ref counts } = histogram;
        if !(low.is_finite() && high.is_finite() && low < high) || counts.is_empty() {
            return Err(Error::Quantization(format!(
                "expected a histogram with bins between finite bounds, found {} from {low} to {high}",
                counts.len()
            )));
        }
        Ok(Self { histogram: Some(histogram), ..self })
    }

    /// The least number.
    pub fn min(&self) -> f32 {
        self.min
    }

    /// The largest number.
    pub fn max(&self) -> f32 {
        self.max
    }

    /// How often what was seen, where that was counted.
    pub fn histogram(&self) -> Option<&Histogram> {
        self.histogram.as_ref()
    }

    /// The bounds of both, without a histogram: of two with different bins none can be made.
    pub fn union(&self, other: &Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max), histogram: None }
    }
}

/// A range as a file says it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    min: f32,
    max: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    histogram: Option<Histogram>,
}

impl From<Range> for Written {
    fn from(Range { min, max, histogram }: Range) -> Self {
        Self { min, max, histogram }
    }
}

impl TryFrom<Written> for Range {
    type Error = Error;

    fn try_from(Written { min, max, histogram }: Written) -> Result<Self, Error> {
        let range = Self::of(min, max)?;
        histogram.into_iter().try_fold(range, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read_to_the_bit(a in any::<f32>(), b in any::<f32>(), counts in any::<[u64; 3]>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let (min, max) = (a.min(b), a.max(b));
            let range = Range::of(min, max).unwrap();
            let counted = Histogram { low: min, high: max, counts: counts.to_vec() };
            let range = if min < max { range.with(counted).unwrap() } else { range };
            let text = serde_json::to_string(&range).unwrap();
            let found: Range = serde_json::from_str(&text).unwrap();
            prop_assert_eq!((found.min.to_bits(), found.max.to_bits()), (min.to_bits(), max.to_bits()));
            prop_assert_eq!(found, range);
        }
    }

    #[test]
    fn what_is_no_range_is_refused_also_in_a_file() {
        assert!(Range::of(1.0, 0.0).is_err() && Range::of(f32::NEG_INFINITY, 0.0).is_err());
        let range = || Range::of(0.0, 0.0).unwrap();
        let bins = |low, high, counts: &[u64]| range().with(Histogram { low, high, counts: counts.into() });
        assert!(
            bins(0.0, 1.0, &[]).is_err() && bins(1.0, 1.0, &[1]).is_err() && bins(0.0, 1.0, &[1]).is_ok()
        );
        for text in [
            r#"{"min": 1, "max": 0}"#,
            r#"{"min": 0, "max": 1e39}"#,
            r#"{"min": 0, "max": 1, "histogram": {"low": 0, "high": 0, "counts": [1]}}"#,
            r#"{"min": 0}"#,
        ] {
            assert!(serde_json::from_str::<Range>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn two_ranges_together_have_no_histogram() {
        let counted = Range::of(0.0, 1.0).unwrap();
        let counted = counted.with(Histogram { low: 0.0, high: 1.0, counts: vec![3, 4] }).unwrap();
        let both = counted.union(&Range::of(-2.0, 0.5).unwrap());
        assert_eq!((both.min(), both.max(), both.histogram()), (-2.0, 1.0, None));
    }
}
