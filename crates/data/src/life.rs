//! Conway's Game of Life as a data set: a board, and the board some steps later.
//!
//! A network that answers it right has learned a rule, not pictures, and a rule has a
//! finite number of cases, so that "it has learned the rule" can be checked
//! exhaustively ([`every_neighbourhood`]).

mod neighbourhoods;
mod options;

use std::path::Path;

use rand::RngExt;
use sapwood_backend::{Seed, Stream};

pub use neighbourhoods::every_neighbourhood;
use options::wrong;
pub use options::{Boundary, LifeOptions};

use crate::{Dataset, Entry, Error, Labels, Normalisation, OpenOptions, Split, Task};

/// Test boards are drawn from streams that begin here, so that they stay the same
/// whatever the number of training boards.
const TEST: u64 = 1 << 40;

/// Random boards.
///
/// # Errors
/// Those of [`LifeOptions::check`]; [`Error::Option`] where the split would have no boards.
pub fn boards(split: Split, options: &LifeOptions) -> Result<Dataset, Error> {
    options.check()?;
    let (option, examples, first) = match split {
        Split::Train => ("examples", options.examples, 0),
        Split::Test => ("test_examples", options.test_examples, TEST),
    };
    if examples == 0 {
        return Err(wrong(option, examples, "at least 1"));
    }
    dataset(options, examples, |index| {
        let mut rng = Seed(options.seed).stream(Stream::Data, first + index as u64);
        (0..options.side.pow(2)).map(|_| u8::from(rng.random::<f64>() < options.density)).collect()
    })
}

/// The board one step later: a cell lives if three of its eight neighbours live,
/// or if it lives and two of them do.
///
/// # Shapes
/// `[rows, columns]`, row-major, zeros and ones; also what is returned.
pub fn step(board: &[u8], [rows, columns]: [usize; 2], boundary: Boundary) -> Vec<u8> {
    // The neighbours before, at and after a position; none beyond a dead edge.
    let around = |position: usize, side: usize| -> [Option<usize>; 3] {
        match boundary {
            Boundary::Torus => {
                [Some((position + side - 1) % side), Some(position), Some((position + 1) % side)]
            }
            Boundary::Zero => {
                [position.checked_sub(1), Some(position), Some(position + 1).filter(|next| *next < side)]
            }
        }
    };
    let above: Vec<_> = (0..rows).map(|row| around(row, rows)).collect();
    let beside: Vec<_> = (0..columns).map(|column| around(column, columns)).collect();
    let cell = |(row, column): (usize, usize)| {
        let alive = board[row * columns + column];
        let sum: u8 = above[row]
            .iter()
            .flatten()
            .flat_map(|y| beside[column].iter().flatten().map(move |x| (y, x)))
            .map(|(y, x)| board[y * columns + x])
            .sum();
        // The sum counts the cell itself.
        u8::from(sum == 3 || (sum == 4 && alive == 1))
    };
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(cell).collect()
}

pub(crate) fn open(_: &Entry, split: Split, _: &Path, options: &OpenOptions) -> Result<Dataset, Error> {
    boards(split, &options.life)
}

fn dataset(
    options: &LifeOptions,
    examples: usize,
    board: impl Fn(usize) -> Vec<u8>,
) -> Result<Dataset, Error> {
    options.check()?;
    played((0..examples).map(board), [options.side; 2], options.steps, options.boundary)
}

/// Boards with what becomes of them.
fn played(
    first: impl Iterator<Item = Vec<u8>>,
    size: [usize; 2],
    steps: usize,
    boundary: Boundary,
) -> Result<Dataset, Error> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for board in first {
        labels.extend((0..steps).fold(board.clone(), |now, _| step(&now, size, boundary)));
        images.extend(board);
    }
    let task = Task::Dense(size[0] * size[1]);
    let shape = [1, size[0], size[1]];
    Dataset::new("life", shape, task, Normalisation::unit(1.0), images, Labels::Dense(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(board: &str) -> Vec<u8> {
        board.bytes().filter(|byte| *byte != b' ').map(|byte| u8::from(byte == b'#')).collect()
    }

    /// The rule as it is told: look at the eight neighbours, count the living.
    fn naive(board: &[u8], side: usize, boundary: Boundary) -> Vec<u8> {
        let mut next = vec![0; board.len()];
        let n = side as i64;
        for row in 0..n {
            for column in 0..n {
                let mut count = 0;
                for (dy, dx) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
                    let (y, x) = (row + dy, column + dx);
                    let inside = (0..n).contains(&y) && (0..n).contains(&x);
                    if inside || boundary == Boundary::Torus {
                        count += board[(y.rem_euclid(n) * n + x.rem_euclid(n)) as usize];
                    }
                }
                let at = (row * n + column) as usize;
                next[at] = u8::from(matches!((board[at], count), (1, 2) | (_, 3)));
            }
        }
        next
    }

    #[test]
    fn a_blinker_blinks_and_a_glider_glides() {
        let upright = parse("..... ..#.. ..#.. ..#.. .....");
        let lying = parse("..... ..... .###. ..... .....");
        for boundary in [Boundary::Torus, Boundary::Zero] {
            assert_eq!(step(&upright, [5, 5], boundary), lying);
            assert_eq!(step(&lying, [5, 5], boundary), upright);
        }
        // After four steps a glider is one cell further right and down; on a
        // torus of side 5 it is back after twenty.
        let glider = parse(".#... ..#.. ###.. ..... .....");
        let after = |steps| (0..steps).fold(glider.clone(), |now, _| step(&now, [5, 5], Boundary::Torus));
        assert_eq!(after(4), parse("..... ..#.. ...#. .###. ....."));
        assert_eq!(after(20), glider);
        let last = (0..20).fold(glider.clone(), |now, _| step(&now, [5, 5], Boundary::Zero));
        assert_eq!(last, parse("..... ..... ..... ...## ...##"));
    }

    #[test]
    fn labels_agree_with_a_naive_count() {
        for boundary in [Boundary::Torus, Boundary::Zero] {
            for side in [3, 4, 9] {
                let options =
                    LifeOptions { side, steps: 2, boundary, examples: 20, seed: 5, ..Default::default() };
                let life = boards(Split::Train, &options).unwrap();
                let Labels::Dense(labels) = life.labels() else { panic!("dense labels expected") };
                for (index, label) in labels.chunks(side * side).enumerate() {
                    let board = life.image(index).unwrap();
                    assert_eq!(label, naive(&naive(&board, side, boundary), side, boundary));
                }
            }
        }
    }

    #[test]
    fn boards_depend_on_seed_and_split_and_not_on_their_number() {
        let options = LifeOptions { side: 8, examples: 3, test_examples: 2, ..Default::default() };
        let train = boards(Split::Train, &options).unwrap();
        let more = boards(Split::Train, &LifeOptions { examples: 4, ..options.clone() }).unwrap();
        assert_eq!(more.take(3).unwrap(), train);
        assert_ne!(boards(Split::Test, &options).unwrap().image(0), train.image(0));
        let other = boards(Split::Train, &LifeOptions { seed: 1, ..options.clone() }).unwrap();
        assert_ne!(other.images(), train.images());
        // Pinned: another draw would change every published run.
        assert_eq!(train.images()[..16], PINNED);
    }

    const PINNED: [u8; 16] = [0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1];

    #[test]
    fn impossible_options_are_refused() {
        for options in [
            LifeOptions { side: 2, ..Default::default() },
            LifeOptions { density: f64::NAN, ..Default::default() },
            LifeOptions { density: 1.5, ..Default::default() },
            LifeOptions { examples: 0, ..Default::default() },
        ] {
            assert!(boards(Split::Train, &options).unwrap_err().to_string().contains("expected"));
        }
        let none = boards(Split::Test, &LifeOptions { test_examples: 0, ..Default::default() });
        assert!(none.unwrap_err().to_string().contains("test_examples"));
    }
}
