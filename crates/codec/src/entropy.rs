//! The bound below which no code comes that knows no more than how often each symbol occurs.

/// The bits that symbols with these counts take at least, all together, where each is coded without
/// looking at others: their number times Shannon's entropy.
///
/// ```
/// assert!((sapwood_codec::entropy(&[45, 13, 12, 16, 9, 5]) - 221.99).abs() < 0.01);
/// ```
pub fn entropy(counts: &[u64]) -> f64 {
    let all = counts.iter().sum::<u64>() as f64;
    counts
        .iter()
        .filter(|count| **count != 0)
        .map(|count| *count as f64 * libm::log2(all / *count as f64))
        .sum()
}
