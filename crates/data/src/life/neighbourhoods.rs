//! Boards on which every neighbourhood occurs.

use super::{Boundary, played, wrong};
use crate::{Dataset, Error};

/// Columns of a board, without those that it shares with the next one.
const COLUMNS: usize = 4096;
/// Boards of a part.
const BOARDS: usize = 64;

/// Boards on which every neighbourhood that decides a cell `steps` steps later occurs,
/// one or two steps, with what becomes of them; in parts that are made one by one. A
/// network that gets every cell right, with the same edge, has learnt the rule.
///
/// A neighbourhood is a square of `h = 2 steps + 1` cells. Read as `h` columns of `h`
/// bits, all `2^(h h)` of them follow each other on a strip of height `h` whose columns
/// are a de Bruijn sequence of order `h` over `2^h` symbols. The strip is cut into boards
/// that overlap by `h - 1` columns.
///
/// # Errors
/// [`Error::Option`] for steps other than 1 or 2.
pub fn every_neighbourhood(steps: usize, boundary: Boundary) -> Result<impl Iterator<Item = Dataset>, Error> {
    if !(1..=2).contains(&steps) {
        return Err(wrong("steps", steps, "1 or 2: for more there are too many neighbourhoods to try"));
    }
    let height = 2 * steps + 1;
    let mut strip = de_bruijn(1 << height, height);
    let columns = COLUMNS.min(strip.len());
    strip.extend_from_within(..height - 1);
    let boards = strip.len() / columns;
    Ok((0..boards).step_by(BOARDS).filter_map(move |first| {
        let size = [height, columns + height - 1];
        let board = |index: usize| {
            let part = &strip[index * columns..][..size[1]];
            (0..height).flat_map(|row| part.iter().map(move |column| column >> row & 1)).collect()
        };
        // Boards of this making have always a size and zeros and ones.
        played((first..boards.min(first + BOARDS)).map(board), size, steps, boundary).ok()
    }))
}

/// The cyclic sequence in which every word of length `order` occurs once: the Lyndon words
/// whose length divides it, in order (Fredricksen & Maiorana 1978).
fn de_bruijn(symbols: usize, order: usize) -> Vec<u8> {
    let mut sequence = Vec::with_capacity(symbols.pow(order as u32));
    let mut word: Vec<u8> = vec![0];
    // The next Lyndon word: repeat the last one up to the order, drop the largest symbols
    // at its end, raise the one before them (Duval 1988).
    while !word.is_empty() {
        if order.is_multiple_of(word.len()) {
            sequence.extend_from_slice(&word);
        }
        let length = word.len();
        word = (0..order).map(|position| word[position % length]).collect();
        while word.last().is_some_and(|symbol| usize::from(*symbol) == symbols - 1) {
            word.pop();
        }
        if let Some(symbol) = word.last_mut() {
            *symbol += 1;
        }
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;

    #[test]
    fn every_word_occurs_once_in_a_de_bruijn_sequence() {
        assert_eq!(de_bruijn(2, 3), [0, 0, 0, 1, 0, 1, 1, 1]);
        for (symbols, order) in [(2, 5), (3, 4), (8, 3)] {
            let mut sequence = de_bruijn(symbols, order);
            assert_eq!(sequence.len(), symbols.pow(order as u32));
            sequence.extend_from_within(..order - 1);
            let words: std::collections::BTreeSet<&[u8]> = sequence.windows(order).collect();
            assert_eq!(words.len(), symbols.pow(order as u32));
        }
    }

    #[test]
    fn all_512_neighbourhoods_are_there_and_140_of_them_live_on() {
        let parts: Vec<Dataset> = every_neighbourhood(1, Boundary::Torus).unwrap().collect();
        let [part] = parts.as_slice() else { panic!("one part expected") };
        let (columns, Labels::Dense(after)) = (part.shape()[2], part.labels()) else {
            panic!("dense labels expected")
        };
        let board = part.image(0).unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for column in 1..columns - 1 {
            let cells = (0..9).map(|cell| board[cell / 3 * columns + column - 1 + cell % 3]);
            seen.insert(cells.collect::<Vec<u8>>(), after[columns + column]);
        }
        // C(8, 3) ways to be born, C(8, 2) + C(8, 3) to survive.
        assert_eq!((seen.len(), seen.values().filter(|alive| **alive == 1).count()), (512, 56 + 28 + 56));
        for (cells, alive) in seen {
            let around = cells.iter().sum::<u8>() - cells[4];
            assert_eq!(alive == 1, around == 3 || (around == 2 && cells[4] == 1));
        }
    }

    #[test]
    fn two_steps_are_two_steps_of_one_and_more_are_refused() {
        let part = every_neighbourhood(2, Boundary::Torus).unwrap().next().unwrap();
        assert_eq!((part.shape(), part.len()), ([1, 5, COLUMNS + 4], BOARDS));
        let (size, Labels::Dense(after)) = ([5, COLUMNS + 4], part.labels()) else {
            panic!("dense labels expected")
        };
        let once = super::super::step(&part.image(3).unwrap(), size, Boundary::Torus);
        let twice = super::super::step(&once, size, Boundary::Torus);
        assert_eq!(after[3 * twice.len()..4 * twice.len()], twice);
        assert!(
            every_neighbourhood(3, Boundary::Torus).is_err_and(|error| error.to_string().contains("1 or 2"))
        );
    }
}
