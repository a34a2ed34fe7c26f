//! How long the code of each symbol is, and which code that is.

/// The longest code.
pub(crate) const LONGEST: u32 = 14;

/// The lengths that give the shortest text, none over `LONGEST`; 0 for symbols that do not occur.
///
/// Package-merge (Larmore and Hirschberg 1990, "A fast algorithm for optimal length-limited Huffman
/// codes"). Of equal counts the earlier symbol goes first, so lengths are the same on every
/// machine. A symbol that is alone has length 1. At most 2^`LONGEST` symbols may occur.
pub(crate) fn lengths(counts: &[u64]) -> Vec<u8> {
    let mut lengths = vec![0; counts.len()];
    let mut symbols: Vec<usize> = (0..counts.len()).filter(|symbol| counts[*symbol] != 0).collect();
    symbols.sort_by_key(|symbol| counts[*symbol]);
    if let [only] = symbols[..] {
        lengths[only] = 1;
        return lengths;
    }
    // From the deepest level up, items are single symbols and pairs of the level below, by weight.
    // A pair is known by its place, so that it can be taken apart again.
    let single: Vec<u64> = symbols.iter().map(|symbol| counts[*symbol]).collect();
    let mut levels: Vec<Vec<Item>> = Vec::new();
    for _ in 0..LONGEST {
        let pairs = levels.last().map_or(Vec::new(), |below| pairs(below));
        levels.push(merge(&single, &pairs));
    }
    // The cheapest 2n - 2 items of the top level; each contains a symbol once for each bit of its code.
    let mut taken = 2 * symbols.len().max(1) - 2;
    for level in levels.iter().rev() {
        let mut pairs = 0;
        for item in &level[..taken] {
            match item.symbol {
                Some(at) => lengths[symbols[at]] += 1,
                None => pairs += 1,
            }
        }
        taken = 2 * pairs;
    }
    lengths
}

/// A symbol, by its place in the order of counts, or a pair of items.
#[derive(Clone, Copy)]
struct Item {
    weight: u64,
    symbol: Option<usize>,
}

fn pairs(below: &[Item]) -> Vec<u64> {
    below.chunks_exact(2).map(|pair| pair[0].weight + pair[1].weight).collect()
}

/// Symbols and pairs by weight; of equals, symbols go first.
fn merge(single: &[u64], pairs: &[u64]) -> Vec<Item> {
    let mut items = Vec::with_capacity(single.len() + pairs.len());
    let (mut at, mut pairs) = (0, pairs.iter().peekable());
    while at < single.len() || pairs.peek().is_some() {
        match pairs.next_if(|pair| single.get(at).is_none_or(|weight| **pair < *weight)) {
            Some(weight) => items.push(Item { weight: *weight, symbol: None }),
            None => {
                items.push(Item { weight: single[at], symbol: Some(at) });
                at += 1;
            }
        }
    }
    items
}

/// The canonical codes: in the order of lengths, of equal lengths in that of symbols, counted up.
pub(crate) fn codes(lengths: &[u8]) -> Vec<u32> {
    let mut count = [0; LONGEST as usize + 1];
    for length in lengths.iter().filter(|length| **length != 0) {
        count[usize::from(*length)] += 1;
    }
    let mut next = [0; LONGEST as usize + 1];
    for length in 1..next.len() {
        next[length] = (next[length - 1] + count[length - 1]) << 1;
    }
    let code = |length: &u8| {
        let next = &mut next[usize::from(*length)];
        let code = *next;
        *next += u32::from(*length != 0);
        code
    };
    lengths.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_canonical_codes_are_those_of_the_textbook() {
        let counts = [45, 13, 12, 16, 9, 5];
        let lengths = lengths(&counts);
        assert_eq!(lengths, [1, 3, 3, 3, 4, 4]);
        let bits: u64 = counts.iter().zip(&lengths).map(|(count, length)| count * u64::from(*length)).sum();
        assert_eq!(bits, 224);
        assert_eq!(codes(&lengths), [0, 0b100, 0b101, 0b110, 0b1110, 0b1111]);
    }

    #[test]
    fn no_code_is_longer_than_the_limit_and_all_are_used_up() {
        // Without a limit, counts of Fibonacci make a code of 39 bits.
        let mut counts = vec![1, 1];
        for at in 2..40 {
            counts.push(counts[at - 1] + counts[at - 2]);
        }
        let lengths = lengths(&counts);
        assert_eq!(lengths.iter().copied().max(), Some(LONGEST as u8));
        let kraft: u32 = lengths.iter().map(|length| 1 << (LONGEST - u32::from(*length))).sum();
        assert_eq!(kraft, 1 << LONGEST);
    }

    #[test]
    fn a_symbol_that_is_alone_and_none_at_all_have_lengths() {
        assert_eq!(lengths(&[0, 7, 0]), [0, 1, 0]);
        assert_eq!(lengths(&[0, 0]), [0, 0]);
        assert_eq!(lengths(&[1, 1]), [1, 1]);
    }
}
