//! Dot products of rows that lie in pieces:
//! `out[a][b] += sum over pieces and p of left[a + piece][p] * right[b + piece][p]`.

use super::{
    Level,
    number::Number,
    vector::{Vector, each},
};

/// Left rows at once.
pub(crate) const LEFT: usize = 4;
/// Right rows at once: with the left ones, as many sums as 16 registers can hold
/// beside what is multiplied.
pub(crate) const RIGHT: usize = 3;
/// The same for 32 registers.
pub(crate) const WIDE_RIGHT: usize = 4;
/// No register has more lanes.
pub(crate) const LANES: usize = 16;

/// `A` left and `B` right rows and where they lie.
pub(crate) struct Products<'a, T, const A: usize, const B: usize> {
    pub(crate) left: &'a [T],
    /// Where each left row begins.
    pub(crate) left_starts: [usize; A],
    pub(crate) right: &'a [T],
    /// Where each right row begins.
    pub(crate) right_starts: [usize; B],
    pub(crate) pieces: &'a Pieces,
}

/// In which pieces rows lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    /// How far they lie from the beginnings of rows, left and right.
    offsets: Vec<(usize, usize)>,
    /// The length of each, a multiple of [`Level::lanes`].
    length: usize,
    /// Where the last ones end, left and right.
    ends: (usize, usize),
}

impl Pieces {
    pub(crate) fn new(offsets: Vec<(usize, usize)>, length: usize) -> Self {
        let end = |last: Option<usize>| last.map_or(0, |last| last + length);
        let left = end(offsets.iter().map(|piece| piece.0).max());
        let right = end(offsets.iter().map(|piece| piece.1).max());
        Self { offsets, length, ends: (left, right) }
    }
}

impl<T: Number, const A: usize, const B: usize> Products<'_, T, A, B> {
    /// Adds the products of each left with each right row.
    pub(crate) fn add_to(&self, level: Level, out: &mut [[T; B]; A]) {
        let Pieces { length, ends, .. } = self.pieces;
        assert!(length.is_multiple_of(level.lanes::<T>()), "pieces are whole vectors");
        let last = |starts: &[usize]| starts.iter().copied().max().unwrap_or(0);
        assert!(last(&self.left_starts) + ends.0 <= self.left.len(), "left rows end in their data");
        assert!(last(&self.right_starts) + ends.1 <= self.right.len(), "right rows end in their data");
        match level {
            // SAFETY (all): `Level::detect` found these instructions, and the sizes
            // were compared above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { sweep::<T, T::Neon, A, B>(self, out) },
            Level::Portable => unsafe { sweep::<T, T::Portable, A, B>(self, out) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512<T: Number, const A: usize, const B: usize>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // SAFETY: the caller compared the sizes.
    unsafe { sweep::<T, T::Avx512, A, B>(products, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Number, const A: usize, const B: usize>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // SAFETY: the caller compared the sizes.
    unsafe { sweep::<T, T::Avx2, A, B>(products, out) }
}

/// Adds the products of one vector of each row.
///
/// # Safety
/// The machine must have the registers, and a vector must begin so far into each row.
#[inline(always)]
unsafe fn add<R: Vector, const A: usize, const B: usize>(
    sums: &mut [[R; B]; A],
    lefts: &[*const R::Number; A],
    rights: &[*const R::Number; B],
    to_left: usize,
    to_right: usize,
) {
    // SAFETY (all): the caller's.
    let mut right = [unsafe { R::load(rights[0].add(to_right)) }; B];
    each!(B, b => {
        right[b] = unsafe { R::load(rights[b].add(to_right)) };
    });
    each!(A, a => {
        let left = unsafe { R::load(lefts[a].add(to_left)) };
        each!(B, b => {
            sums[a][b] = unsafe { left.multiply_add(right[b], sums[a][b]) };
        });
    });
}

/// # Safety
/// The machine must have the registers, and [`Products::add_to`] must have compared the sizes.
#[inline(always)]
unsafe fn sweep<T: Number, R: Vector<Number = T>, const A: usize, const B: usize>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // SAFETY: the caller's.
    let mut sums = [[unsafe { R::splat(T::ZERO) }; B]; A];
    let mut lefts = [products.left.as_ptr(); A];
    let mut rights = [products.right.as_ptr(); B];
    each!(A, a => {
        lefts[a] = lefts[a].wrapping_add(products.left_starts[a]);
    });
    each!(B, b => {
        rights[b] = rights[b].wrapping_add(products.right_starts[b]);
    });
    let Pieces { offsets, length, .. } = products.pieces;
    // Where pieces are single vectors, a second loop costs as much as they do.
    if *length == R::LANES && A > 1 {
        for &(to_left, to_right) in offsets {
            // SAFETY: the last piece of the last row ends in its data.
            unsafe { add::<R, A, B>(&mut sums, &lefts, &rights, to_left, to_right) };
        }
    } else {
        for &(to_left, to_right) in offsets {
            let mut p = 0;
            while p < *length {
                // SAFETY: as above, and a piece is whole vectors.
                unsafe { add::<R, A, B>(&mut sums, &lefts, &rights, to_left + p, to_right + p) };
                p += R::LANES;
            }
        }
    }
    each!(A, a => {
        each!(B, b => {
            // SAFETY: the caller's.
            out[a][b] += unsafe { sums[a][b].sum() };
        });
    });
}
