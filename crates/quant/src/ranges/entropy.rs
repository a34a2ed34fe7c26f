//! Bounds whose distribution is nearest to what was seen.

use sapwood_graph::Histogram;

/// Levels that sizes below the bound are gathered in.
const LEVELS: usize = 128;

/// Of bounds around 0, those for which the sizes of the numbers between them, gathered in 128 levels, have the least
/// Kullback-Leibler divergence from what was seen, with all that is larger counted at the edge (Migacz 2017). As in
/// NVIDIA's `pytorch-quantization` there are as many sizes next to 0 as just above: the many zeros behind a ReLU
/// would decide alone. The histogram has 0 in its middle.
pub(crate) fn entropy(histogram: &Histogram) -> [f32; 2] {
    let sizes = sizes(&histogram.counts);
    let mut best = (f64::INFINITY, sizes.len());
    for count in LEVELS..=sizes.len() {
        let (inner, beyond) = sizes.split_at(count);
        let divergence = divergence(inner, beyond.iter().sum());
        // Of equals the widest; what is not a number, as without anything between the bounds, is none of them.
        if divergence <= best.0 {
            best = (divergence, count);
        }
    }
    let bound = (f64::from(histogram.high) * best.1 as f64 / sizes.len() as f64) as f32;
    [-bound, bound]
}

/// How many numbers there are of each size, from 0 on.
fn sizes(counts: &[u64]) -> Vec<f64> {
    let (below, above) = counts.split_at(counts.len() / 2);
    let mut sizes: Vec<f64> = below.iter().rev().zip(above).map(|(a, b)| (a + b) as f64).collect();
    if let [nothing, least, ..] = &mut sizes[..] {
        *nothing = *least;
    }
    sizes
}

/// `sum p ln(p / q)`: `p` is what was seen, with what lies beyond in the last bin, and `q` what the levels of the bins
/// say. Infinite where they say that there is nothing, and there is.
fn divergence(inner: &[f64], beyond: f64) -> f64 {
    let levels = in_levels(inner);
    let within: f64 = inner.iter().sum();
    let last = inner.len() - 1;
    let each = inner.iter().zip(levels).enumerate().map(|(bin, (count, level))| {
        let seen = if bin == last { count + beyond } else { *count };
        let (p, q) = (seen / (within + beyond), level / within);
        if p > 0.0 { p * (p / q).ln() } else { 0.0 }
    });
    each.sum()
}

/// What each bin would hold if only the levels were known: a level's numbers in equal parts on its bins that hold any.
fn in_levels(inner: &[f64]) -> Vec<f64> {
    let level = |bin: usize| bin * LEVELS / inner.len();
    let (mut sums, mut filled) = ([0.0; LEVELS], [0usize; LEVELS]);
    for (bin, count) in inner.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        sums[level(bin)] += count;
        filled[level(bin)] += 1;
    }
    let of_bin = |(bin, count): (usize, &f64)| match *count > 0.0 {
        true => sums[level(bin)] / filled[level(bin)] as f64,
        false => 0.0,
    };
    inner.iter().enumerate().map(of_bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `_compute_amax_entropy` of `pytorch-quantization` on the same counts of sizes, with 128 levels.
    #[test]
    fn bounds_are_those_of_pytorch_quantization() {
        const SIZES: usize = 2048;
        let relu = |size: usize| match size {
            0 => 5_000_000,
            1..900 => 4_000_000 / (size * size + 2000),
            _ => usize::from(size == SIZES - 1),
        };
        let far = |size: usize| 700usize.saturating_sub(size).pow(2) + 3 * usize::from(size == SIZES - 1);
        let long = |size: usize| match size {
            0 => 900_000,
            _ => 3_000_000 / (size + 50).pow(2) + usize::from(size == SIZES - 1),
        };
        let even = |_: usize| 9;
        let counts: [(&dyn Fn(usize) -> usize, usize); 4] =
            [(&relu, 900), (&far, 694), (&long, 1683), (&even, SIZES)];
        for (count, expected) in counts {
            let mut counts = vec![0; 2 * SIZES];
            for size in 0..SIZES {
                // A part of the numbers lies below 0.
                let at = if size % 3 == 1 { SIZES - 1 - size } else { SIZES + size };
                counts[at] = count(size) as u64;
            }
            let bound = expected as f32 / SIZES as f32;
            assert_eq!(entropy(&Histogram { low: -1.0, high: 1.0, counts }), [-bound, bound]);
        }
    }

    #[test]
    fn where_nearly_all_is_0_nothing_is_cut_off() {
        let mut counts = vec![0; 512];
        (counts[256], counts[511]) = (1_000_000, 1);
        assert_eq!(entropy(&Histogram { low: -2.0, high: 2.0, counts }), [-2.0, 2.0]);
    }
}
