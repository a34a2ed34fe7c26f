//! Dot products of rows that lie in pieces:
//! `out[a][b] += sum over pieces and p of left[a + piece][p] * right[b + piece][p]`.

use super::{Float, Level, multiply_add};

/// Left rows at once.
pub(crate) const LEFT: usize = 4;
/// Right rows at once.
pub(crate) const RIGHT: usize = 4;
/// Lengths must be multiples of this: the most lanes that a register has.
pub(crate) const LANES: usize = 16;

/// Rows and where they lie.
pub(crate) struct Products<'a, T> {
    pub(crate) left: &'a [T],
    /// Where each left row begins.
    pub(crate) left_starts: [usize; LEFT],
    pub(crate) right: &'a [T],
    /// Where each right row begins.
    pub(crate) right_starts: [usize; RIGHT],
    /// How far from there the pieces lie, left and right.
    pub(crate) pieces: &'a [(usize, usize)],
    /// The length of each piece.
    pub(crate) length: usize,
}

impl<T: Float> Products<'_, T> {
    /// Adds the products of each left with each right row.
    pub(crate) fn add_to(self, level: Level, out: &mut [[T; RIGHT]; LEFT]) {
        match level {
            // SAFETY (both): `Level::detect` found these instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(&self, out) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(&self, out) },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => in_registers::<T, 16, true>(&self, out),
            Level::Portable => in_registers::<T, 16, false>(&self, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn avx512<T: Float>(products: &Products<'_, T>, out: &mut [[T; RIGHT]; LEFT]) {
    in_registers::<T, 64, true>(products, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Float>(products: &Products<'_, T>, out: &mut [[T; RIGHT]; LEFT]) {
    in_registers::<T, 32, true>(products, out);
}

/// [`sweep`] with the lanes that a register of so many bytes has.
#[inline(always)]
fn in_registers<T: Float, const BYTES: usize, const FUSED: bool>(
    products: &Products<'_, T>,
    out: &mut [[T; RIGHT]; LEFT],
) {
    // As in `rows`.
    match const { BYTES / size_of::<T>() } {
        16 => sweep::<T, 16, FUSED>(products, out),
        8 => sweep::<T, 8, FUSED>(products, out),
        4 => sweep::<T, 4, FUSED>(products, out),
        _ => sweep::<T, 2, FUSED>(products, out),
    }
}

#[inline(always)]
fn sweep<T: Float, const L: usize, const FUSED: bool>(
    products: &Products<'_, T>,
    out: &mut [[T; RIGHT]; LEFT],
) {
    let vectors = products.length / L;
    let mut sums = [[[T::ZERO; L]; RIGHT]; LEFT];
    for &(to_left, to_right) in products.pieces {
        // Slices of vectors, all of one known length: no bounds are left to check.
        let left =
            products.left_starts.map(|start| &products.left[start + to_left..].as_chunks::<L>().0[..vectors]);
        let right = products
            .right_starts
            .map(|start| &products.right[start + to_right..].as_chunks::<L>().0[..vectors]);
        for p in 0..vectors {
            let mut a = [[T::ZERO; L]; LEFT];
            for i in 0..LEFT {
                a[i] = left[i][p];
            }
            for j in 0..RIGHT {
                let b = right[j][p];
                for i in 0..LEFT {
                    for l in 0..L {
                        sums[i][j][l] = multiply_add::<T, FUSED>(a[i][l], b[l], sums[i][j][l]);
                    }
                }
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
