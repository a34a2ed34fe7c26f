//! Bounds whose distribution is nearest to what was seen.

use sapwood_graph::Histogram;

use super::edge;

/// Levels that the numbers between the bounds are gathered in, and bins that are looked at.
const LEVELS: usize = 128;

/// Of bounds around the middle of the histogram, those for which the numbers between them, gathered in 128 levels,
/// have the least Kullback-Leibler divergence from what was seen, with what lies outside counted at the edges
/// (Migacz 2017; ONNX Runtime's `EntropyCalibrater` in its form with both sides).
pub(crate) fn entropy(histogram: &Histogram) -> [f32; 2] {
    let bins = gathered(&histogram.counts);
    let (count, centre) = (bins.len(), bins.len() / 2);
    let part = |bin: usize| edge(histogram, bin * histogram.counts.len() / count) as f32;
    let mut best = (f64::INFINITY, [0, count]);
    for reach in LEVELS / 2..=centre {
        let (start, end) = (centre - reach, (centre + reach + 1).min(count));
        let inner = &bins[start..end];
        let mut seen = inner.to_vec();
        seen[0] += bins[..start].iter().sum::<f64>();
        let last = seen.len() - 1;
        seen[last] += bins[end..].iter().sum::<f64>();
        let divergence = divergence(&seen, &in_levels(inner, &seen));
        if divergence < best.0 {
            best = (divergence, [start, end]);
        }
    }
    best.1.map(part)
}

/// At most this number of bins, of which each holds several.
fn gathered(counts: &[u64]) -> Vec<f64> {
    let most = 16 * LEVELS;
    let each = counts.len().div_ceil(most);
    counts.chunks(each).map(|bins| bins.iter().sum::<u64>() as f64).collect()
}

/// What each bin would hold if only the levels were known: a level's numbers in equal parts on its bins that hold any.
fn in_levels(inner: &[f64], seen: &[f64]) -> Vec<f64> {
    let mut spread = vec![0.0; inner.len()];
    for level in 0..LEVELS {
        let [from, to] = [level, level + 1].map(|level| level * inner.len() / LEVELS);
        let filled = seen[from..to].iter().filter(|count| **count > 0.0).count();
        let each = inner[from..to].iter().sum::<f64>() / filled.max(1) as f64;
        (from..to).filter(|bin| seen[*bin] > 0.0).for_each(|bin| spread[bin] = each);
    }
    spread
}

/// `sum p ln(p / q)` of two distributions, where zeros are a ten-thousandth of a number.
fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let smooth = |values: &[f64]| {
        let values: Vec<f64> = values.iter().map(|x| x.max(1e-4)).collect();
        let sum: f64 = values.iter().sum();
        values.into_iter().map(|x| x / sum).collect::<Vec<_>>()
    };
    smooth(p).iter().zip(smooth(q)).map(|(p, q)| p * (p / q).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_tail_is_cut_off_and_an_even_distribution_is_not() {
        let bell = |x: f64| (1e6 * (-x * x / 2.0).exp()) as u64;
        let mut counts: Vec<u64> = (0..2048).map(|bin| bell((bin as f64 - 1023.5) / 60.0)).collect();
        counts[2047] = 1;
        let [low, high] = entropy(&Histogram { low: -1.0, high: 1.0, counts });
        assert!((low + high).abs() < 0.01 && (0.1..0.5).contains(&high), "{low} {high}");
        let [low, high] = entropy(&Histogram { low: -1.0, high: 1.0, counts: vec![9; 2048] });
        assert_eq!([low, high], [-1.0, 1.0]);
    }
}
