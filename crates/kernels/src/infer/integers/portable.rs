//! A register of a processor whose instructions are not written down here.

use super::whole::{MOST, Whole};

const LANES: usize = 4;

/// Numbers beside each other.
#[derive(Clone, Copy)]
pub(crate) struct Plain([i32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(i32, i32) -> i32) -> Self {
        Self(std::array::from_fn(|l| f(self.0[l], other.0[l])))
    }
}

// SAFETY (all): the caller's; nothing but memory is asked for.
impl Whole for Plain {
    const LANES: usize = LANES;

    type Real = [f32; LANES];

    #[inline(always)]
    unsafe fn splat(number: i32) -> Self {
        Self([number; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        Self(unsafe { from.cast::<[i32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        unsafe { to.cast::<[i32; LANES]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    unsafe fn dot(self, bytes: Self, weights: Self) -> Self {
        let sum = |x: i32, w: i32| {
            let (x, w) = (x.to_le_bytes(), w.to_le_bytes());
            (0..4).fold(0, |sum, at| sum + i32::from(x[at]) * i32::from(w[at] as i8))
        };
        self.zip(bytes.zip(weights, sum), i32::wrapping_add)
    }

    #[inline(always)]
    unsafe fn product(self, bytes: Self, weights: Self) -> Self {
        self.zip(bytes.zip(weights, |x, w| x * w), i32::wrapping_add)
    }

    #[inline(always)]
    unsafe fn bytes(from: *const u8) -> Self {
        Self(unsafe { from.cast::<[u8; LANES]>().read() }.map(i32::from))
    }

    #[inline(always)]
    unsafe fn put(self, to: *mut u8) {
        unsafe { to.cast::<[u8; LANES]>().write(self.0.map(|number| number as u8)) };
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        self.zip(other, i32::wrapping_add)
    }

    #[inline(always)]
    unsafe fn real(self) -> [f32; LANES] {
        self.0.map(|number| number as f32)
    }

    #[inline(always)]
    unsafe fn reals(number: f32) -> [f32; LANES] {
        [number; LANES]
    }

    #[inline(always)]
    unsafe fn load_reals(from: *const f32) -> [f32; LANES] {
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn put_reals(numbers: [f32; LANES], to: *mut f32) {
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(numbers) };
    }

    #[inline(always)]
    unsafe fn times(a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|l| a[l] * b[l])
    }

    #[inline(always)]
    unsafe fn fused(a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|l| a[l].mul_add(b[l], c[l]))
    }

    #[inline(always)]
    unsafe fn nearest(numbers: [f32; LANES], low: [f32; LANES], high: [f32; LANES]) -> Self {
        Self(std::array::from_fn(|l| super::after::nearest(numbers[l], low[l], high[l])))
    }

    #[inline(always)]
    unsafe fn columns(from: *const i32, rows: &[usize; MOST]) -> [Self; 4] {
        std::array::from_fn(|column| Self(std::array::from_fn(|l| unsafe { *from.add(rows[l] + column) })))
    }

    #[inline(always)]
    unsafe fn rows(columns: [Self; 4], to: *mut i32, rows: &[usize; MOST]) {
        for (l, at) in rows.iter().enumerate().take(LANES) {
            let row = columns.map(|column| column.0[l]);
            unsafe { to.add(*at).cast::<[i32; 4]>().write_unaligned(row) };
        }
    }

    #[inline(always)]
    unsafe fn byte(self, at: u32) -> Self {
        Self(self.0.map(|number| number >> (8 * at) & 255))
    }

    #[inline(always)]
    unsafe fn together([a, b, c, d]: [Self; 4]) -> Self {
        let sum = |l: usize| {
            let [low, high] = [a.0[l].wrapping_add(b.0[l] << 8), (c.0[l] << 16).wrapping_add(d.0[l] << 24)];
            low.wrapping_add(high)
        };
        Self(std::array::from_fn(sum))
    }
}
