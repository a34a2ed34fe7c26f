//! Bounds that leave out the rarest numbers.

use sapwood_graph::Histogram;

use super::edge;

/// ONNX Runtime's default.
pub(crate) const USUAL: f64 = 99.999;

/// The bounds between which this percentage of the numbers lies, with as much cut off below as above: the edges of the
/// first bin up to which more than that has been counted, and of the first up to which all but that has (ONNX Runtime's
/// `PercentileCalibrater`, asymmetric).
pub(crate) fn percentile(histogram: &Histogram, percent: f64) -> [f32; 2] {
    let total = histogram.counts.iter().sum::<u64>() as f64;
    let cut = (100.0 - percent) / 200.0;
    // The first bin at which the share counted up to it is not below what is asked for.
    let first = |share: f64| {
        let mut counted = 0;
        let found = histogram.counts.iter().position(|count| {
            counted += count;
            share <= counted as f64 / total
        });
        edge(histogram, found.unwrap_or(histogram.counts.len())) as f32
    };
    [first(cut), first(1.0 - cut)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_cut_off_below_as_above() {
        let histogram = Histogram { low: -5.0, high: 5.0, counts: vec![1, 0, 0, 4, 40, 40, 10, 4, 0, 1] };
        assert_eq!(percentile(&histogram, 99.0), [-5.0, 4.0]);
        assert_eq!(percentile(&histogram, 96.0), [-2.0, 2.0]);
        assert_eq!(percentile(&histogram, 100.0), [-5.0, 4.0]);
    }
}
