//! How many rows and vectors pass at a time.

use super::{Entry, Place};
use crate::{Level, infer::machine::Machine};

/// How the rows of a layer are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparseShape {
    /// Outputs that go together.
    pub rows: usize,
    /// Whether these have their weights in the same columns.
    pub is_shared: bool,
    /// Vectors of pixels at once.
    pub vectors: usize,
    /// Numbers of a vector.
    pub lanes: usize,
}

/// The columns that any of some rows has, in order.
pub(super) fn columns(members: &[&[Entry]]) -> Vec<usize> {
    let mut columns: Vec<usize> = members.iter().flat_map(|row| row.iter().map(|entry| entry.0)).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Numbers from the first pixel of a plane to its last.
pub(super) fn length(to: &Place) -> usize {
    (to.size[0] - 1) * to.steps()[0] + to.size[1]
}

/// Numbers of rows together, and for each the numbers of vectors at once for which there is a loop.
const SHARED: &[(usize, &[usize])] =
    &[(4, &[1, 2, 3, 6]), (2, &[1, 2, 3, 4, 6, 8, 12]), (1, &[1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24])];
const APART: &[(usize, &[usize])] = &[(8, &[1]), (4, &[1, 2, 3]), (2, &[4, 5])];

impl SparseShape {
    /// Whether there is a loop for it, with registers that the machine has.
    pub(super) fn check(&self, level: Level) {
        let table = if self.is_shared { SHARED } else { APART };
        let has_loop =
            |(rows, widths): &(usize, &[usize])| *rows == self.rows && widths.contains(&self.vectors);
        // Where there is one pixel, there is no second vector of them.
        let is_there =
            table.iter().any(has_loop) && self.fits(level) && (self.lanes > 1 || self.vectors == 1);
        assert!(is_there, "a loop for these rows and vectors");
        let all = [1, level.lanes::<f32>(), lanes(level, false)];
        assert!(all.contains(&self.lanes), "as many lanes as a register has, or one");
    }

    /// Whether its sums fit the registers, with what is multiplied.
    fn fits(self, level: Level) -> bool {
        let Self { rows, vectors, .. } = self;
        rows * vectors + vectors.min(rows) + 1 < level.registers()
    }

    /// The best shape for these rows into this place, whose vectors begin at lines of the cache or not, and what it
    /// takes of one thread, in about a cycle.
    pub fn best(level: Level, rows: &[Vec<Entry>], to: &Place, is_aligned: bool) -> (Self, f64) {
        let length = length(to);
        let products = rows.iter().map(Vec::len).sum::<usize>() as f64;
        let mut best: Option<(Self, f64)> = None;
        let lanes = if length == 1 { 1 } else { lanes(level, is_aligned) };
        for (table, is_shared) in [(SHARED, true), (APART, false)] {
            for &(together, widths) in table.iter().filter(|(together, _)| *together <= rows.len()) {
                let steps: f64 = match (is_shared, together) {
                    (true, 1) => products,
                    (true, _) => {
                        let groups = rows.chunks(together);
                        groups
                            .map(|rows| columns(&rows.iter().map(|row| &row[..]).collect::<Vec<_>>()).len())
                            .sum::<usize>() as f64
                    }
                    (false, _) => products / together as f64 * 1.05,
                };
                let total = length.div_ceil(lanes);
                for &vectors in widths.iter().filter(|vectors| **vectors <= total) {
                    let shape = Self { rows: together, is_shared, vectors, lanes };
                    if !shape.fits(level) {
                        continue;
                    }
                    let tiles = total.div_ceil(vectors) as f64;
                    let sums = (together * vectors) as f64;
                    // A load across two lines of the cache counts twice.
                    let twice = match (is_aligned || lanes == 1, lanes) {
                        (true, _) => 1.0,
                        (_, 16) => 1.94,
                        (_, 8) => 1.44,
                        _ => 1.2,
                    };
                    let loads = if is_shared { vectors as f64 } else { sums } * twice
                        + together as f64
                        + if is_shared { 1.0 } else { together as f64 };
                    let at_once =
                        if lanes == level.lanes::<f32>() { Machine::of(level).at_once } else { 2.0 };
                    let step = (sums.max(loads) / at_once).max(4.0);
                    let time = tiles * (steps * step + rows.len() as f64 / together as f64 * (25.0 + sums));
                    if best.is_none_or(|(_, least)| time < least) {
                        best = Some((shape, time));
                    }
                }
            }
        }
        best.unwrap_or((Self { rows: 1, is_shared: true, vectors: 1, lanes }, f64::INFINITY))
    }
}

/// How many numbers a vector of pixels has: where they begin anywhere, half of the widest register.
fn lanes(level: Level, is_aligned: bool) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if !is_aligned && has_half_registers() => 8,
        _ => level.lanes::<f32>(),
    }
}

/// Whether all 32 registers can be used by halves.
#[cfg(target_arch = "x86_64")]
fn has_half_registers() -> bool {
    is_x86_feature_detected!("avx512vl")
}
