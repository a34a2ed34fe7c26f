//! Sums of whole rows in the order that a level's registers give them.

use crate::{Level, level::Loop};

/// Registers that are summed beside each other.
const BESIDE: usize = 8;

/// The sum of each row, of the given length.
///
/// The order is that of the crate `macerator`, by which Burn's CPU backend sums at the best level
/// that a machine has: eight registers beside each other, folded in halves, and what is left one
/// after the other. So a level that is asked for on a better machine sums as a machine of that level
/// does.
///
/// # Panics
/// If rows are empty, or the last is not whole.
pub fn row_sums(level: Level, x: &[f32], row: usize) -> Vec<f32> {
    assert!(row > 0 && x.len().is_multiple_of(row), "rows are whole");
    match level.lanes::<f32>() {
        16 => level.run(Rows::<16> { x, row }),
        8 => level.run(Rows::<8> { x, row }),
        _ => level.run(Rows::<4> { x, row }),
    }
}

struct Rows<'a, const L: usize> {
    x: &'a [f32],
    row: usize,
}

impl<const L: usize> Loop for Rows<'_, L> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
        let mut sums = Vec::with_capacity(self.x.len() / self.row);
        for row in self.x.chunks_exact(self.row) {
            sums.push(sum::<L>(row));
        }
        sums
    }
}

#[inline(always)]
fn sum<const L: usize>(x: &[f32]) -> f32 {
    let mut beside = [[0.0f32; L]; BESIDE];
    let blocks = x.chunks_exact(BESIDE * L);
    let left = blocks.remainder();
    for block in blocks {
        for (sum, part) in beside.iter_mut().zip(block.as_chunks::<L>().0) {
            add(sum, part);
        }
    }
    let mut half = BESIDE / 2;
    let mut width = 1;
    // Neighbours first: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
    while half > 0 {
        for i in 0..half {
            let other = beside[2 * i * width + width];
            add(&mut beside[2 * i * width], &other);
        }
        width *= 2;
        half /= 2;
    }
    let mut lanes = beside[0];
    let (registers, rest) = left.as_chunks::<L>();
    for register in registers {
        add(&mut lanes, register);
    }
    let mut half = L / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
        half /= 2;
    }
    lanes[0] + rest.iter().copied().sum::<f32>()
}

#[inline(always)]
fn add<const L: usize>(sum: &mut [f32; L], part: &[f32; L]) {
    for l in 0..L {
        sum[l] += part[l];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_are_summed() {
        for row in [1, 3, 4, 8, 10, 16, 17, 64, 127, 128, 129, 300, 1000] {
            let x: Vec<f32> = (0..3 * row).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect();
            for level in Level::available() {
                let found = row_sums(level, &x, row);
                let expected = x.chunks(row).map(|row| row.iter().map(|x| f64::from(*x)).sum::<f64>());
                let close = |(found, expected): (&f32, f64)| (f64::from(*found) - expected).abs() < 1e-4;
                assert!(found.iter().zip(expected).all(close) && found.len() == 3, "{level:?}, {row}");
            }
        }
    }

    /// By hand: lanes of 4 take the third register's -1e8 from the first one's 1e8 before anything is
    /// folded, and 1 is left. Wider lanes have no third register: 1 is lost beside 1e8 first.
    #[test]
    fn the_order_is_that_of_the_lanes() {
        let mut x = [0.0f32; 12];
        (x[0], x[1], x[8]) = (1e8, 1.0, -1e8);
        for level in Level::available() {
            let expected = if level.lanes::<f32>() == 4 { 1.0 } else { 0.0 };
            assert_eq!(row_sums(level, &x, 12), [expected], "{level:?}");
        }
    }
}
