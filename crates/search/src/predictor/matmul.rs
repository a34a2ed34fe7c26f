//! Products of small dense matrices in f32, on one core.
//!
//! The right-hand matrix is stored in panels of 16 columns, which stay in the first cache
//! while all rows of the left-hand one pass by in tiles of 6, so that 6 x 16 sums stay in
//! registers. With AVX2 the products are fused; the last bits of a result can therefore
//! differ between kinds of processors, but not between runs on one.

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// Columns of a panel.
const COLUMNS: usize = 16;
/// Rows of a tile.
const ROWS: usize = 6;

/// A matrix as the right-hand side of products.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Packed {
    rows: usize,
    columns: usize,
    /// Panel by panel, row by row; the last panel is filled up with zeros.
    panels: Vec<f32>,
}

impl Packed {
    /// The matrix of these numbers.
    pub(crate) fn of(rows: usize, columns: usize, number: impl Fn(usize, usize) -> f32) -> Self {
        let mut panels = vec![0.0; columns.div_ceil(COLUMNS) * rows * COLUMNS];
        for (index, panel) in panels.chunks_exact_mut(rows * COLUMNS).enumerate() {
            let first = index * COLUMNS;
            for (row, into) in panel.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
                for (column, into) in (first..columns).zip(into) {
                    *into = number(row, column);
                }
            }
        }
        Self { rows, columns, panels }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// `left` times `right`, row by row; `left` has as many columns as `right` has rows.
pub(crate) fn product(left: &[f32], right: &Packed) -> Vec<f32> {
    let (inner, columns) = (right.rows, right.columns);
    assert!(left.len().is_multiple_of(inner), "whole rows");
    let rows = left.len() / inner;
    let mut tiles = vec![0.0; rows.div_ceil(ROWS) * ROWS * inner];
    for (tile, rows) in tiles.chunks_exact_mut(ROWS * inner).zip(left.chunks(ROWS * inner)) {
        for (at, row) in rows.chunks_exact(inner).enumerate() {
            for (into, number) in tile.as_chunks_mut::<ROWS>().0.iter_mut().zip(row) {
                into[at] = *number;
            }
        }
    }
    let mut out = vec![0.0; rows * columns];
    Arch::new().dispatch(Product { tiles: &tiles, inner, right, out: &mut out });
    out
}

struct Product<'a> {
    tiles: &'a [f32],
    inner: usize,
    right: &'a Packed,
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, inner, right, out } = self;
        let columns = right.columns;
        for (index, panel) in right.panels.chunks_exact(inner * COLUMNS).enumerate() {
            let first = index * COLUMNS;
            let width = COLUMNS.min(columns - first);
            for (tile, rows) in tiles.chunks_exact(inner * ROWS).zip(out.chunks_mut(ROWS * columns)) {
                let sums = match S::F32_LANES {
                    8 => block::<S, 2>(simd, tile, panel),
                    4 => block::<S, 4>(simd, tile, panel),
                    16 => block::<S, 1>(simd, tile, panel),
                    _ => plain(tile, panel),
                };
                for (row, sums) in rows.chunks_exact_mut(columns).zip(&sums) {
                    row[first..first + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}

/// A tile times a panel of `V` vectors.
#[inline(always)]
fn block<S: Simd, const V: usize>(simd: S, tile: &[f32], panel: &[f32]) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
    let vectors = S::as_simd_f32s(panel).0.as_chunks::<V>().0;
    for (numbers, vectors) in tile.as_chunks::<ROWS>().0.iter().zip(vectors) {
        for (sums, number) in sums.iter_mut().zip(numbers) {
            let number = simd.splat_f32s(*number);
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = simd.mul_add_e_f32s(number, *vector, *sum);
            }
        }
    }
    let mut out = [[0.0; COLUMNS]; ROWS];
    for (out, sums) in out.iter_mut().zip(&sums) {
        S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
    }
    out
}

/// The same without vectors.
#[inline(always)]
fn plain(tile: &[f32], panel: &[f32]) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for (numbers, panel) in tile.as_chunks::<ROWS>().0.iter().zip(panel.as_chunks::<COLUMNS>().0) {
        for (sums, number) in sums.iter_mut().zip(numbers) {
            for (sum, other) in sums.iter_mut().zip(panel) {
                *sum += number * other;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_what_its_definition_gives_whatever_the_shape() {
        for (rows, inner, columns) in [(1, 1, 1), (6, 3, 16), (7, 5, 17), (13, 40, 33), (100, 124, 40)] {
            let number = |at: usize| ((at * 37 % 23) as f32 - 11.0) / 8.0;
            let left: Vec<f32> = (0..rows * inner).map(number).collect();
            let right = Packed::of(inner, columns, |row, column| number(row * columns + column + 5));
            let found = product(&left, &right);
            for row in 0..rows {
                for column in 0..columns {
                    let terms =
                        (0..inner).map(|at| left[row * inner + at] * number(at * columns + column + 5));
                    // Eighths of small integers: every sum is exact.
                    assert_eq!(found[row * columns + column], terms.sum::<f32>(), "{rows} {inner} {columns}");
                }
            }
        }
    }
}
