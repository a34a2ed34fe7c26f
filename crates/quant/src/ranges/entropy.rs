//! Bounds whose distribution is nearest to what was seen.

use sapwood_graph::Histogram;

/// Levels that sizes below the bound are gathered in.
const LEVELS: usize = 128;

/// Of bounds around 0, those for which the numbers between them, gathered on each side of 0 in 128 levels, have the
/// least Kullback-Leibler divergence from what was seen, with all that is larger counted at the edge (Migacz 2017). The
/// histogram has 0 in its middle.
///
/// Three things are unlike the paper. Within the bounds a bin counts at most as much as the fuller of its neighbours:
/// the zeros behind a ReLU, or the background of images, are one number again and again, which a level says as well as
/// any other, and would decide alone (NVIDIA's `pytorch-quantization` does so with the bin at 0). The sides are counted
/// apart: what is cut off above 0 would lie on what is frequent below. And bounds cut off fewer numbers than they leave:
/// where no number is small, bounds around the smallest leave one bin that holds any, at the edge, where all that they
/// cut off is counted too, and that has a divergence of 0.
pub(crate) fn entropy(histogram: &Histogram) -> [f32; 2] {
    let (below, above) = histogram.counts.split_at(histogram.counts.len() / 2);
    let sides = [below.iter().rev().collect(), above.iter().collect::<Vec<_>>()];
    let sides = sides.map(|side| side.into_iter().map(|count| *count as f64).collect::<Vec<_>>());
    let levelled = sides.each_ref().map(|side| levelled(side));
    let bins = above.len();
    let mut best = (f64::INFINITY, bins);
    for count in LEVELS..=bins {
        let [left, beyond] =
            [0..count, count..bins].map(|part| sides.each_ref().map(|side| sum(&side[part.clone()])));
        if left[0] + left[1] <= beyond[0] + beyond[1] {
            continue;
        }
        let inner = levelled.each_ref().map(|side| &side[..count]);
        let of = [sum(inner[0]) + sum(inner[1]), beyond[0] + beyond[1]];
        let divergence = divergence(inner[0], beyond[0], of) + divergence(inner[1], beyond[1], of);
        // Of equals the widest.
        if divergence <= best.0 {
            best = (divergence, count);
        }
    }
    let bound = (f64::from(histogram.high) * best.1 as f64 / bins as f64) as f32;
    [-bound, bound]
}

/// Each bin at most as full as the fuller of its neighbours.
fn levelled(counts: &[f64]) -> Vec<f64> {
    let at = |bin: Option<usize>| bin.and_then(|bin| counts.get(bin)).copied().unwrap_or(0.0);
    let neighbours = |bin: usize| at(bin.checked_sub(1)).max(at(Some(bin + 1)));
    counts.iter().enumerate().map(|(bin, count)| count.min(neighbours(bin))).collect()
}

fn sum(counts: &[f64]) -> f64 {
    counts.iter().sum()
}

/// `sum p ln(p / q)` over a side: `p` is what was seen, with what lies `beyond` in the last bin, and `q` what the levels
/// of the bins say; both are shares of what the two sides have within and beyond the bounds. Infinite where the levels
/// say that there is nothing, and there is.
fn divergence(inner: &[f64], beyond: f64, [within, all_beyond]: [f64; 2]) -> f64 {
    let levels = in_levels(inner);
    let last = inner.len() - 1;
    let each = inner.iter().zip(levels).enumerate().map(|(bin, (count, level))| {
        let seen = if bin == last { count + beyond } else { *count };
        let (p, q) = (seen / (within + all_beyond), level / within);
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

    /// `_compute_amax_entropy` of `pytorch-quantization` on the same counts of sizes, with 128 levels: of numbers above
    /// 0 both are the same.
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
            let counts = (0..2 * SIZES).map(|at| at.checked_sub(SIZES).map_or(0, |size| count(size) as u64));
            let counts = counts.collect();
            let bound = expected as f32 / SIZES as f32;
            assert_eq!(entropy(&Histogram { low: -1.0, high: 1.0, counts }), [-bound, bound]);
        }
    }

    #[test]
    fn where_no_number_is_small_nothing_is_cut_off() {
        for zeros in [0, 5000] {
            // 0, as behind a ReLU, and from 2 to 10.
            let mut counts: Vec<u64> =
                (0..4096).map(|at| if at < 2458 { 0 } else { 9 + at * 37 % 11 }).collect();
            counts[2048] = zeros;
            assert_eq!(entropy(&Histogram { low: -10.0, high: 10.0, counts }), [-10.0, 10.0], "{zeros}");
        }
    }

    /// As of normalised images of digits: a background below 0, and strokes far above.
    #[test]
    fn what_is_frequent_below_0_hides_nothing_above() {
        let counts: Vec<u64> = (0..4096).map(|at| if at < 2048 { 0 } else { 10 + (at * 37 % 11) }).collect();
        let bound = |background: u64| {
            let mut counts = counts.clone();
            counts[2048 - 310] = background;
            entropy(&Histogram { low: -2.8, high: 2.8, counts })[1]
        };
        assert_eq!(bound(200_000), 2.8);
    }

    #[test]
    fn where_nearly_all_is_0_nothing_is_cut_off() {
        let mut counts = vec![0; 512];
        (counts[256], counts[511]) = (1_000_000, 1);
        assert_eq!(entropy(&Histogram { low: -2.0, high: 2.0, counts }), [-2.0, 2.0]);
    }
}
