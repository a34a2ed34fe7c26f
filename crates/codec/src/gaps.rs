//! Where values are that are not zero, by the zeros before each: Deep Compression's relative index.
//!
//! A field of b bits holds at most 2^b - 1 zeros. Where there are more, an entry with a full field
//! and the value 0 fills up 2^b positions (Han, Mao and Dally 2016, figure 2).

/// How many zeros come before each entry, and what it is; 0 for fillers. Zeros behind the last
/// entry are not said.
pub(crate) fn entries(levels: &[i32], bits: u32) -> (Vec<u16>, Vec<i32>) {
    let full = (1u16 << bits) - 1;
    let (mut gaps, mut values) = (Vec::new(), Vec::new());
    // Fillers are written only when it is known that a value follows.
    let mut zeros = 0usize;
    for level in levels {
        if *level == 0 {
            zeros += 1;
            continue;
        }
        let fillers = zeros >> bits;
        gaps.resize(gaps.len() + fillers, full);
        values.resize(values.len() + fillers, 0);
        gaps.push((zeros & usize::from(full)) as u16);
        values.push(*level);
        zeros = 0;
    }
    (gaps, values)
}

/// The width of field, 8 bits at most, with the fewest bits of entropy in gaps and values.
pub(crate) fn best_bits(levels: &[i32]) -> u32 {
    let mut runs = std::collections::BTreeMap::<usize, u64>::new();
    let mut zeros = 0;
    for level in levels {
        if *level == 0 {
            zeros += 1;
        } else {
            *runs.entry(zeros).or_default() += 1;
            zeros = 0;
        }
    }
    let kept: u64 = runs.values().sum();
    let price = |bits: &u32| {
        let mut gaps = vec![0u64; 1 << bits];
        let full = gaps.len() - 1;
        for (zeros, count) in &runs {
            gaps[full] += count * (*zeros as u64 >> bits);
            gaps[zeros & full] += count;
        }
        let entries: u64 = gaps.iter().sum();
        crate::entropy(&gaps) + crate::entropy(&[entries - kept, kept])
    };
    (1..=8).min_by(|a, b| price(a).total_cmp(&price(b))).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relative_index_is_that_of_the_paper() {
        let mut levels = [0; 40];
        // .5, -.25, .5, 1 as places in a codebook.
        for (at, level) in [(1, 2), (2, 1), (11, 2), (30, 3)] {
            levels[at] = level;
        }
        let (gaps, values) = entries(&levels, 3);
        let entries: Vec<(u16, i32)> = gaps.into_iter().zip(values).collect();
        assert_eq!(entries, [(1, 2), (0, 1), (7, 0), (0, 2), (7, 0), (7, 0), (2, 3)]);
    }

    #[test]
    fn the_field_is_wide_where_weights_are_few() {
        let sparse =
            |step: usize| (0..10_000usize).map(|at| i32::from(at.is_multiple_of(step))).collect::<Vec<_>>();
        assert!(best_bits(&sparse(2)) < best_bits(&sparse(200)));
    }
}
