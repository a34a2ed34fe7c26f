//! Where signs change: the zero of a codebook of which only the indices are known.

/// Candidates for the first of the values that count as positive, all counted without the zero
/// between them, if there are any: 0 if they have both signs; otherwise their median, and the rarest
/// of those around it.
///
/// The indices of a codebook in the order of its values are all positive, but large weights of either
/// sign are at its ends, and those that were pruned leave a valley in the middle.
pub(crate) fn centres(kept: &[i32]) -> Vec<i32> {
    let mut free: Vec<i32> = kept.iter().map(|value| value - i32::from(0 < *value)).collect();
    let negative = free.iter().any(|value| *value < 0);
    if free.is_empty() || (negative && free.iter().any(|value| 0 <= *value)) {
        return vec![0];
    }
    free.sort_unstable();
    let middle = free.len() / 2;
    let inner = &free[free.len() / 4..free.len() - free.len() / 4];
    let runs = inner.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0].abs_diff(free[middle]), run[0]));
    // The outermost are cut in two, so they are no measure.
    let whole = |(_, _, value): &(usize, u32, i32)| *value != inner[0] && Some(value) != inner.last();
    let valley = runs.filter(whole).min().map(|(.., value)| value);
    let mut centres = vec![free[middle]];
    centres.extend(valley.filter(|valley| *valley != free[middle]));
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_a_codebook_is_found() {
        let humps = [1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 7];
        assert_eq!(centres(&humps), [4, 3]);
        assert_eq!(centres(&[-1, 1, 1, 1]), [0]);
        assert_eq!(centres(&[-3, -2, -1]), [-2]);
        assert_eq!(centres(&[i32::MIN, i32::MIN]), [i32::MIN]);
        assert_eq!(centres(&[]), [0]);
    }
}
