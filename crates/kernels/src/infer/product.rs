//! Products of matrices that both are values, as those of attention are: columns in the lanes.
//!
//! A sum goes through what is added over in one order, whatever the tile is, so no value depends on how many threads or
//! images there are.

use super::{
    Place,
    lanes::{Lanes, all},
    program::{Context, Step},
    scalar::One,
};
use crate::{Level, vector::Registers};

/// Pairs of matrices of one size: `to[m][n] = factor * sum over k of a[m][k] b[k][n]`. The second ones and the products lie
/// row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrices {
    /// Rows of the first ones.
    pub rows: usize,
    /// What is added over.
    pub inner: usize,
    /// Columns of the second ones.
    pub columns: usize,
    /// From a row of a first one to the next, and from one of its numbers to the next.
    pub steps: [usize; 2],
    /// Where each pair's first matrix begins among its image's numbers, and where its second one does.
    pub begins: Vec<[usize; 2]>,
    /// What products are multiplied by.
    pub factor: f32,
}

impl Matrices {
    /// How many products are added.
    pub fn products(&self) -> usize {
        self.begins.len() * self.rows * self.inner * self.columns
    }

    /// How many numbers of each value it needs: of the first ones, of the second ones, and of the products.
    fn needs(&self) -> Option<[usize; 3]> {
        let of = |numbers: [usize; 2], steps: [usize; 2]| {
            let last = |axis: usize| numbers[axis].checked_sub(1)?.checked_mul(steps[axis]);
            last(0)?.checked_add(last(1)?)?.checked_add(1)
        };
        let (a, b) =
            (of([self.rows, self.inner], self.steps)?, of([self.inner, self.columns], [self.columns, 1])?);
        let behind = |which: usize, own: usize| {
            let first = self.begins.iter().map(|begins| begins[which]).max()?;
            first.checked_add(own)
        };
        let all = self.rows.checked_mul(self.columns)?.checked_mul(self.begins.len())?;
        Some([behind(0, a)?, behind(1, b)?, all])
    }
}

/// Products of matrices in two values.
#[derive(Debug)]
pub struct Product {
    level: Level,
    from: [Place; 2],
    to: Place,
    matrices: Matrices,
}

impl Product {
    /// Multiplies what lies in two values without anything between their numbers.
    ///
    /// # Panics
    /// If there is anything between the numbers of a value, a matrix does not lie in it, or the products are not its
    /// numbers.
    pub fn new(level: Level, from: [Place; 2], to: Place, matrices: Matrices) -> Self {
        for place in from.iter().chain([&to]) {
            place.check();
            assert!(place.is_tight(), "numbers one behind the other");
        }
        let fits = matrices
            .needs()
            .is_some_and(|[a, b, all]| a <= from[0].image && b <= from[1].image && all == to.image);
        assert!(fits, "matrices lie in their values");
        Self { level, from, to, matrices }
    }
}

impl Step for Product {
    fn reads(&self) -> Vec<Place> {
        self.from.to_vec()
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY (all): a level's instructions are there, and the program compared the places with the arena.
        unsafe {
            match self.level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(self, context),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(self, context),
                #[cfg(target_arch = "aarch64")]
                Level::Neon => sweep::<<f32 as Registers>::Neon, 4, 3, true>(self, context),
                Level::Portable => sweep::<<f32 as Registers>::Portable, 4, 3, false>(self, context),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512(product: &Product, context: &Context<'_>) {
    // SAFETY: the caller's.
    unsafe { sweep::<<f32 as Registers>::Avx512, 8, 3, true>(product, context) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(product: &Product, context: &Context<'_>) {
    // SAFETY: the caller's.
    unsafe { sweep::<<f32 as Registers>::Avx2, 6, 2, true>(product, context) }
}

/// This thread's share of all blocks of `R` rows, of which `W` registers of columns are summed at once: as many as stay in
/// registers with what they are multiplied by.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Lanes, const R: usize, const W: usize, const FUSED: bool>(
    product: &Product,
    context: &Context<'_>,
) {
    let Matrices { rows, inner, columns, steps, ref begins, factor } = product.matrices;
    let (blocks, pairs) = (rows.div_ceil(R), begins.len());
    for unit in context.member.share(context.images * pairs * blocks) {
        let (image, pair, block) = (unit / blocks / pairs, unit / blocks % pairs, unit % blocks);
        let at =
            |place: &Place, begin: usize| context.arena.wrapping_add(place.at + image * place.image + begin);
        let [of_a, of_b] = begins[pair];
        let first = block * R;
        let a = (at(&product.from[0], of_a + first * steps[0]).cast_const(), steps);
        let b = (at(&product.from[1], of_b).cast_const(), columns);
        let to = (at(&product.to, (pair * rows + first) * columns), columns);
        // SAFETY: the sizes were compared when the step was made.
        unsafe {
            rows_of::<V, R, W, FUSED, false>(a, b, to, [R.min(rows - first), inner, columns], factor);
        }
    }
}

/// At most `R` rows of a product, of which `W` registers of columns are summed at once. `sizes` are the rows, the numbers
/// that are added over, and the columns. `a` has how far it is from a row to the next and from a number to the next, `b` and
/// `to` how far from a row to the next. With `MORE` it is added to what is there, and multiplied by nothing.
///
/// # Safety
/// The machine must have the registers, and the matrices be there.
#[inline(always)]
pub(super) unsafe fn rows_of<
    V: Lanes,
    const R: usize,
    const W: usize,
    const FUSED: bool,
    const MORE: bool,
>(
    a: (*const f32, [usize; 2]),
    b: (*const f32, usize),
    to: (*mut f32, usize),
    sizes: [usize; 3],
    factor: f32,
) {
    let [rows, inner, columns] = sizes;
    // The last row again, where there are too few.
    let of_rows: [usize; R] = std::array::from_fn(|row| row.min(rows - 1));
    // SAFETY (all): the caller's.
    unsafe {
        if columns < V::LANES {
            for column in 0..columns {
                tile::<One<FUSED>, R, 1, MORE>(a, b, to, (&of_rows, inner, column), factor);
            }
            return;
        }
        let mut column = 0;
        while column + W * V::LANES <= columns {
            tile::<V, R, W, MORE>(a, b, to, (&of_rows, inner, column), factor);
            column += W * V::LANES;
        }
        while column + V::LANES <= columns {
            tile::<V, R, 1, MORE>(a, b, to, (&of_rows, inner, column), factor);
            column += V::LANES;
        }
        if column == columns {
            return;
        }
        // A register that ends with the last column. What others have added to already is not added to again.
        match MORE {
            false => tile::<V, R, 1, MORE>(a, b, to, (&of_rows, inner, columns - V::LANES), factor),
            true => {
                for column in column..columns {
                    tile::<One<FUSED>, R, 1, MORE>(a, b, to, (&of_rows, inner, column), factor);
                }
            }
        }
    }
}

/// The products of some rows with `W` registers of columns.
///
/// # Safety
/// As [`rows_of`].
#[inline(always)]
unsafe fn tile<V: Lanes, const R: usize, const W: usize, const MORE: bool>(
    (a, [row, step]): (*const f32, [usize; 2]),
    (b, pitch): (*const f32, usize),
    (to, pitch_of_to): (*mut f32, usize),
    (rows, inner, column): (&[usize; R], usize, usize),
    factor: f32,
) {
    let of_rows: [*const f32; R] = rows.map(|at| a.wrapping_add(at * row));
    let to = rows.map(|at| to.wrapping_add(at * pitch_of_to + column));
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0.0);
        let mut sums = [[zero; W]; R];
        if MORE {
            all!(8: R, r => {
                all!(4: W, w => {
                    sums[r][w] = V::load(to[r].add(w * V::LANES));
                });
            });
        }
        for k in 0..inner {
            let from = b.add(k * pitch + column);
            let mut beside = [zero; W];
            all!(4: W, w => {
                beside[w] = V::load(from.add(w * V::LANES));
            });
            all!(8: R, r => {
                let x = V::splat(*of_rows[r].add(k * step));
                all!(4: W, w => {
                    sums[r][w] = beside[w].multiply_add(x, sums[r][w]);
                });
            });
        }
        let factor = V::splat(factor);
        all!(8: R, r => {
            all!(4: W, w => {
                let sum = if MORE { sums[r][w] } else { sums[r][w].times(factor) };
                sum.store(to[r].add(w * V::LANES));
            });
        });
    }
}
