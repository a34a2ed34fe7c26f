//! Dot products of rows that lie in pieces:
//! `out[a][b] += sum over pieces and p of left[a + piece][p] * right[b + piece][p]`.

use super::{Float, Level, multiply_add};

/// Left rows at once.
pub(crate) const LEFT: usize = 4;
/// Right rows at once: with the left ones, as many sums as 16 registers can hold
/// beside what is multiplied.
pub(crate) const RIGHT: usize = 3;
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

impl<T: Float, const A: usize, const B: usize> Products<'_, T, A, B> {
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
            Level::Neon => unsafe { in_registers::<T, A, B, 16, true>(self, out) },
            Level::Portable => unsafe { in_registers::<T, A, B, 16, false>(self, out) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512<T: Float, const A: usize, const B: usize>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // SAFETY: the caller compared the sizes.
    unsafe { in_registers::<T, A, B, 64, true>(products, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Float, const A: usize, const B: usize>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // SAFETY: the caller compared the sizes.
    unsafe { in_registers::<T, A, B, 32, true>(products, out) }
}

/// [`sweep`] with the lanes that a register of so many bytes has.
#[inline(always)]
unsafe fn in_registers<T: Float, const A: usize, const B: usize, const BYTES: usize, const FUSED: bool>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    // As in `rows`. SAFETY (all): the caller compared the sizes.
    match const { BYTES / size_of::<T>() } {
        16 => unsafe { sweep::<T, A, B, 16, FUSED>(products, out) },
        8 => unsafe { sweep::<T, A, B, 8, FUSED>(products, out) },
        4 => unsafe { sweep::<T, A, B, 4, FUSED>(products, out) },
        _ => unsafe { sweep::<T, A, B, 2, FUSED>(products, out) },
    }
}

/// Adds the products of one vector of each row. A function and not a closure: that would be
/// compiled by itself, without the instructions of its caller, wherever it is not inlined.
///
/// # Safety
/// A vector must begin so far into each row.
#[inline(always)]
unsafe fn add<T: Float, const A: usize, const B: usize, const L: usize, const FUSED: bool>(
    sums: &mut [[[T; L]; B]; A],
    lefts: &[*const T; A],
    rights: &[*const T; B],
    to_left: usize,
    to_right: usize,
) {
    let mut right = [[T::ZERO; L]; B];
    for b in 0..B {
        // SAFETY: the caller's.
        right[b] = unsafe { *rights[b].add(to_right).cast::<[T; L]>() };
    }
    for a in 0..A {
        // SAFETY: the caller's.
        let left = unsafe { *lefts[a].add(to_left).cast::<[T; L]>() };
        for b in 0..B {
            for l in 0..L {
                sums[a][b][l] = multiply_add::<T, FUSED>(left[l], right[b][l], sums[a][b][l]);
            }
        }
    }
}

#[inline(always)]
unsafe fn sweep<T: Float, const A: usize, const B: usize, const L: usize, const FUSED: bool>(
    products: &Products<'_, T, A, B>,
    out: &mut [[T; B]; A],
) {
    let mut sums = [[[T::ZERO; L]; B]; A];
    // SAFETY: each row begins in its data.
    let lefts = products.left_starts.map(|start| unsafe { products.left.as_ptr().add(start) });
    // SAFETY: as above.
    let rights = products.right_starts.map(|start| unsafe { products.right.as_ptr().add(start) });
    let Pieces { offsets, length, .. } = products.pieces;
    // Where pieces are single vectors, a second loop costs as much as they do.
    if *length == L && A > 1 {
        for &(to_left, to_right) in offsets {
            // SAFETY: the last piece of the last row ends in its data.
            unsafe { add::<T, A, B, L, FUSED>(&mut sums, &lefts, &rights, to_left, to_right) };
        }
    } else {
        for &(to_left, to_right) in offsets {
            let mut p = 0;
            while p < *length {
                // SAFETY: as above, and a piece is whole vectors.
                unsafe { add::<T, A, B, L, FUSED>(&mut sums, &lefts, &rights, to_left + p, to_right + p) };
                p += L;
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(sums) {
        for (out, mut lanes) in out.iter_mut().zip(sums) {
            // Folded in halves: shorter than one after the other, and more exact.
            let mut half = L / 2;
            while half > 0 {
                for l in 0..half {
                    lanes[l] += lanes[l + half];
                }
                half /= 2;
            }
            *out += lanes[0];
        }
    }
}
