//! Bounds with the least error.

use sapwood_graph::{Histogram, Scheme};

use super::middle;
use crate::Error;

/// How many candidates there are, and the part of the width that the last of them leaves out (GPTQ's search).
const STEPS: usize = 100;
const MOST: f64 = 0.8;

/// Of bounds that shrink step by step to a fifth, those with the least mean squared error of rounding and clipping,
/// each bin standing for its middle.
pub(crate) fn mse(histogram: &Histogram, scheme: Scheme) -> Result<[f32; 2], Error> {
    let counted: Vec<(f32, f64)> = (0..histogram.counts.len())
        .filter(|bin| histogram.counts[*bin] > 0)
        .map(|bin| (middle(histogram, bin) as f32, histogram.counts[bin] as f64))
        .collect();
    let mut best = (f64::INFINITY, [histogram.low, histogram.high]);
    for step in 0..STEPS {
        let kept = 1.0 - MOST * step as f64 / STEPS as f64;
        let [low, high] = [histogram.low, histogram.high].map(|bound| (f64::from(bound) * kept) as f32);
        let grid = scheme.grid(low, high)?;
        let error: f64 = counted
            .iter()
            .map(|(x, count)| count * f64::from(x - grid.number(grid.nearest(*x))).powi(2))
            .sum();
        if error < best.0 {
            best = (error, [low, high]);
        }
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{DType, Symmetry};

    use super::*;

    #[test]
    fn a_lonely_outlier_is_cut_off_where_levels_are_few() {
        let mut counts = vec![0; 1000];
        counts[..100].fill(1_000_000);
        counts[999] = 1;
        let histogram = Histogram { low: 0.0, high: 10.0, counts };
        let scheme = |high| Scheme::new(DType::U8, Symmetry::Affine).unwrap().within(0..=high).unwrap();
        let [low, few] = mse(&histogram, scheme(15)).unwrap();
        assert!(low == 0.0 && few < 2.2, "{few}");
        let spread = Histogram { low: 0.0, high: 10.0, counts: vec![5; 1000] };
        let [_, many] = mse(&spread, scheme(255)).unwrap();
        assert!(9.9 < many, "{many}");
    }
}
