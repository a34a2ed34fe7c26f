//! Frequencies that add up to a power of two.

use crate::{Error, Result, adaptive::Binary, numbers::Numbers};

/// For an alphabet of this number of symbols, frequencies add up to two to this power.
pub(crate) fn bits(symbols: usize) -> u32 {
    if symbols <= 256 { 12 } else { 14 }
}

/// Counts as frequencies that add up to 2^`bits`: none that occurs becomes 0, and the text as short
/// as it can be. There is at least one count that is not 0, and at most 2^`bits` are.
pub(crate) fn normalized(counts: &[u64], bits: u32) -> Vec<u32> {
    let all: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let whole = 1u32 << bits;
    let share = |count: &u64| match count {
        0 => 0,
        count => (((u128::from(*count) << bits) + all / 2) / all).max(1) as u32,
    };
    let mut frequencies: Vec<u32> = counts.iter().map(share).collect();
    // What is too much is taken where it costs least, one by one: count / frequency is the slope.
    let slope = |at: usize, frequency: u32| (u128::from(counts[at]) << 32) / u128::from(frequency);
    let mut sum: u32 = frequencies.iter().sum();
    while sum != whole {
        let symbols = (0..counts.len()).filter(|at| frequencies[*at] != 0);
        let at = if sum < whole {
            symbols.max_by_key(|at| (slope(*at, frequencies[*at]), std::cmp::Reverse(*at)))
        } else {
            symbols.filter(|at| 1 < frequencies[*at]).min_by_key(|at| (slope(*at, frequencies[*at] - 1), *at))
        };
        let Some(at) = at else { break };
        let add = sum < whole;
        frequencies[at] = if add { frequencies[at] + 1 } else { frequencies[at] - 1 };
        sum = if add { sum + 1 } else { sum - 1 };
    }
    frequencies
}

/// Codes frequencies: how many bits each has more than the last one, then these.
pub(crate) fn code(binary: &mut impl Binary, known: &[u32], symbols: usize, whole: u32) -> Result<Vec<u32>> {
    let mut numbers = Numbers::new();
    let (mut last, mut sum) = (0, 0);
    let mut frequencies = Vec::with_capacity(symbols);
    for at in 0..symbols {
        let frequency = known.get(at).copied().unwrap_or(0);
        let length = 32 - frequency.leading_zeros();
        last = numbers.signed(binary, length as i32 - last)?.wrapping_add(last);
        if !(0..=15).contains(&last) {
            return Err(Error::damaged("a frequency is out of range"));
        }
        let mut read = u32::from(last != 0);
        for bit in (0..last - 1).rev() {
            read = read << 1 | binary.with(1 << 15, frequency >> bit & 1);
        }
        sum += read;
        frequencies.push(read);
    }
    match sum == whole {
        true => Ok(frequencies),
        false => Err(Error::damaged("frequencies do not add up")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_add_up_and_whatever_occurs_has_one() {
        for counts in [vec![1], vec![0, 5, 0], vec![1_000_000, 1, 1, 1], vec![1; 4096], vec![3; 255]] {
            let bits = bits(counts.len());
            let frequencies = normalized(&counts, bits);
            assert_eq!(frequencies.iter().sum::<u32>(), 1 << bits);
            for (count, frequency) in counts.iter().zip(&frequencies) {
                assert_eq!(*count == 0, *frequency == 0, "{counts:?}");
            }
        }
    }

    #[test]
    fn frequencies_are_the_counts_where_these_add_up() {
        assert_eq!(normalized(&[1024, 3000, 72], 12), [1024, 3000, 72]);
    }
}
