//! Dot products of long rows: `out[a][b] += sum over p of left[a][p] * data[start[b] + p]`.

use super::{Level, multiply_add};

/// Left rows at once.
pub(crate) const LEFT: usize = 4;
/// Right rows at once.
pub(crate) const RIGHT: usize = 4;
/// Lengths must be multiples of this.
pub(crate) const LANES: usize = 16;

/// Adds the products of [`LEFT`] with [`RIGHT`] rows of equal length.
pub(crate) fn dots(
    level: Level,
    left: [&[f32]; LEFT],
    data: &[f32],
    starts: [usize; RIGHT],
    out: &mut [[f32; RIGHT]; LEFT],
) {
    match level {
        // SAFETY (both): `Level::detect` found these instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { dots_avx512(left, data, starts, out) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { dots_avx2(left, data, starts, out) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => sweep::<4, true>(left, data, starts, out),
        Level::Portable => sweep::<4, false>(left, data, starts, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn dots_avx512(l: [&[f32]; LEFT], data: &[f32], starts: [usize; RIGHT], out: &mut [[f32; RIGHT]; LEFT]) {
    sweep::<16, true>(l, data, starts, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dots_avx2(l: [&[f32]; LEFT], data: &[f32], starts: [usize; RIGHT], out: &mut [[f32; RIGHT]; LEFT]) {
    sweep::<8, true>(l, data, starts, out);
}

#[inline(always)]
fn sweep<const L: usize, const FUSED: bool>(
    left: [&[f32]; LEFT],
    data: &[f32],
    starts: [usize; RIGHT],
    out: &mut [[f32; RIGHT]; LEFT],
) {
    let length = left[0].len();
    let right = starts.map(|start| &data[start..start + length]);
    let mut sums = [[[0f32; L]; RIGHT]; LEFT];
    for p in (0..length).step_by(L) {
        let mut a = [[0f32; L]; LEFT];
        for (lanes, row) in a.iter_mut().zip(left) {
            lanes.copy_from_slice(&row[p..p + L]);
        }
        for j in 0..RIGHT {
            let mut b = [0f32; L];
            b.copy_from_slice(&right[j][p..p + L]);
            for i in 0..LEFT {
                for l in 0..L {
                    sums[i][j][l] = multiply_add::<FUSED>(a[i][l], b[l], sums[i][j][l]);
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
