//! The registers of x86-64, by its intrinsics.

use std::arch::x86_64::*;

use super::whole::{MOST, Whole};

/// 64 bytes, with `vpdpbusd`.
#[derive(Clone, Copy)]
pub(crate) struct Wide(__m512i);

/// 32 bytes, with `vpdpbusd` (`VNNI`) or without.
#[derive(Clone, Copy)]
pub(crate) struct Half<const VNNI: bool>(__m256i);

// SAFETY (all): the caller's.
impl Whole for Wide {
    const LANES: usize = 16;

    type Real = __m512;

    #[inline(always)]
    unsafe fn splat(number: i32) -> Self {
        Self(unsafe { _mm512_set1_epi32(number) })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        unsafe { _mm512_storeu_si512(to.cast(), self.0) };
    }

    #[inline(always)]
    unsafe fn dot(self, bytes: Self, weights: Self) -> Self {
        Self(unsafe { _mm512_dpbusd_epi32(self.0, bytes.0, weights.0) })
    }

    #[inline(always)]
    unsafe fn product(self, bytes: Self, weights: Self) -> Self {
        Self(unsafe { _mm512_dpwssd_epi32(self.0, bytes.0, weights.0) })
    }

    #[inline(always)]
    unsafe fn bytes(from: *const u8) -> Self {
        Self(unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())) })
    }

    #[inline(always)]
    unsafe fn put(self, to: *mut u8) {
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(self.0)) };
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn real(self) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(self.0) }
    }

    #[inline(always)]
    unsafe fn reals(number: f32) -> __m512 {
        unsafe { _mm512_set1_ps(number) }
    }

    #[inline(always)]
    unsafe fn load_reals(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn put_reals(numbers: __m512, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, numbers) };
    }

    #[inline(always)]
    unsafe fn times(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fused(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn nearest(numbers: __m512, low: __m512, high: __m512) -> Self {
        Self(unsafe { _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(numbers, low), high)) })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i32, rows: &[usize; MOST]) -> [Self; 4] {
        unsafe {
            let [a, b, c, d] = turned([
                apart(from, rows, 0),
                apart(from, rows, 1),
                apart(from, rows, 2),
                apart(from, rows, 3),
            ]);
            [Self(a), Self(b), Self(c), Self(d)]
        }
    }

    #[inline(always)]
    unsafe fn rows([a, b, c, d]: [Self; 4], to: *mut i32, rows: &[usize; MOST]) {
        unsafe {
            for (at, four) in turned([a.0, b.0, c.0, d.0]).into_iter().enumerate() {
                _mm_storeu_si128(to.add(rows[at]).cast(), _mm512_castsi512_si128(four));
                _mm_storeu_si128(to.add(rows[at + 4]).cast(), _mm512_extracti32x4_epi32::<1>(four));
                _mm_storeu_si128(to.add(rows[at + 8]).cast(), _mm512_extracti32x4_epi32::<2>(four));
                _mm_storeu_si128(to.add(rows[at + 12]).cast(), _mm512_extracti32x4_epi32::<3>(four));
            }
        }
    }

    #[inline(always)]
    unsafe fn byte(self, at: u32) -> Self {
        unsafe {
            let shifted = _mm512_srl_epi32(self.0, _mm_cvtsi32_si128(8 * at as i32));
            Self(_mm512_and_si512(shifted, _mm512_set1_epi32(255)))
        }
    }

    #[inline(always)]
    unsafe fn together([a, b, c, d]: [Self; 4]) -> Self {
        unsafe {
            let low = _mm512_add_epi32(a.0, _mm512_slli_epi32::<8>(b.0));
            let high = _mm512_add_epi32(_mm512_slli_epi32::<16>(c.0), _mm512_slli_epi32::<24>(d.0));
            Self(_mm512_add_epi32(low, high))
        }
    }
}

// SAFETY (all): the caller's.
impl<const VNNI: bool> Whole for Half<VNNI> {
    const LANES: usize = 8;

    const SATURATES: bool = !VNNI;

    type Real = __m256;

    #[inline(always)]
    unsafe fn splat(number: i32) -> Self {
        Self(unsafe { _mm256_set1_epi32(number) })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), self.0) };
    }

    #[inline(always)]
    unsafe fn dot(self, bytes: Self, weights: Self) -> Self {
        unsafe {
            if VNNI {
                return Self(_mm256_dpbusd_avx_epi32(self.0, bytes.0, weights.0));
            }
            let pairs = _mm256_maddubs_epi16(bytes.0, weights.0);
            Self(_mm256_add_epi32(self.0, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))))
        }
    }

    #[inline(always)]
    unsafe fn product(self, bytes: Self, weights: Self) -> Self {
        unsafe {
            if VNNI {
                return Self(_mm256_dpwssd_avx_epi32(self.0, bytes.0, weights.0));
            }
            Self(_mm256_add_epi32(self.0, _mm256_madd_epi16(bytes.0, weights.0)))
        }
    }

    #[inline(always)]
    unsafe fn bytes(from: *const u8) -> Self {
        Self(unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast())) })
    }

    #[inline(always)]
    unsafe fn put(self, to: *mut u8) {
        unsafe {
            let (low, high) = (_mm256_castsi256_si128(self.0), _mm256_extracti128_si256::<1>(self.0));
            let words = _mm_packus_epi32(low, high);
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn real(self) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(self.0) }
    }

    #[inline(always)]
    unsafe fn reals(number: f32) -> __m256 {
        unsafe { _mm256_set1_ps(number) }
    }

    #[inline(always)]
    unsafe fn load_reals(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn put_reals(numbers: __m256, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, numbers) };
    }

    #[inline(always)]
    unsafe fn times(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fused(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn nearest(numbers: __m256, low: __m256, high: __m256) -> Self {
        Self(unsafe { _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(numbers, low), high)) })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i32, rows: &[usize; MOST]) -> [Self; 4] {
        unsafe {
            let [a, b, c, d] = turned_halves([
                apart_halves(from, rows, 0),
                apart_halves(from, rows, 1),
                apart_halves(from, rows, 2),
                apart_halves(from, rows, 3),
            ]);
            [Self(a), Self(b), Self(c), Self(d)]
        }
    }

    #[inline(always)]
    unsafe fn rows([a, b, c, d]: [Self; 4], to: *mut i32, rows: &[usize; MOST]) {
        unsafe {
            for (at, four) in turned_halves([a.0, b.0, c.0, d.0]).into_iter().enumerate() {
                _mm_storeu_si128(to.add(rows[at]).cast(), _mm256_castsi256_si128(four));
                _mm_storeu_si128(to.add(rows[at + 4]).cast(), _mm256_extracti128_si256::<1>(four));
            }
        }
    }

    #[inline(always)]
    unsafe fn byte(self, at: u32) -> Self {
        unsafe {
            let shifted = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(8 * at as i32));
            Self(_mm256_and_si256(shifted, _mm256_set1_epi32(255)))
        }
    }

    #[inline(always)]
    unsafe fn together([a, b, c, d]: [Self; 4]) -> Self {
        unsafe {
            let low = _mm256_add_epi32(a.0, _mm256_slli_epi32::<8>(b.0));
            let high = _mm256_add_epi32(_mm256_slli_epi32::<16>(c.0), _mm256_slli_epi32::<24>(d.0));
            Self(_mm256_add_epi32(low, high))
        }
    }
}

/// Of four registers, in each 16 bytes, the columns of four rows.
///
/// # Safety
/// The machine must have AVX-512.
#[inline(always)]
unsafe fn turned([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the caller's.
    unsafe {
        let [ab, cd] = [_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d)];
        let [ab_high, cd_high] = [_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d)];
        [
            _mm512_unpacklo_epi64(ab, cd),
            _mm512_unpackhi_epi64(ab, cd),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ]
    }
}

/// As [`turned`], of half the registers.
///
/// # Safety
/// The machine must have AVX2.
#[inline(always)]
unsafe fn turned_halves([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    // SAFETY: the caller's.
    unsafe {
        let [ab, cd] = [_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d)];
        let [ab_high, cd_high] = [_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d)];
        [
            _mm256_unpacklo_epi64(ab, cd),
            _mm256_unpackhi_epi64(ab, cd),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    }
}

/// Four numbers of each of the rows 4 apart from row `at` on.
///
/// # Safety
/// The machine must have AVX-512, and the numbers must be there.
#[inline(always)]
unsafe fn apart(from: *const i32, rows: &[usize; MOST], at: usize) -> __m512i {
    // SAFETY: the caller's.
    unsafe {
        let four = _mm512_castsi128_si512(_mm_loadu_si128(from.add(rows[at]).cast()));
        let four = _mm512_inserti32x4::<1>(four, _mm_loadu_si128(from.add(rows[at + 4]).cast()));
        let four = _mm512_inserti32x4::<2>(four, _mm_loadu_si128(from.add(rows[at + 8]).cast()));
        _mm512_inserti32x4::<3>(four, _mm_loadu_si128(from.add(rows[at + 12]).cast()))
    }
}

/// As [`apart`], of two rows.
///
/// # Safety
/// The machine must have AVX2, and the numbers must be there.
#[inline(always)]
unsafe fn apart_halves(from: *const i32, rows: &[usize; MOST], at: usize) -> __m256i {
    // SAFETY: the caller's.
    unsafe {
        let four = _mm256_castsi128_si256(_mm_loadu_si128(from.add(rows[at]).cast()));
        _mm256_inserti128_si256::<1>(four, _mm_loadu_si128(from.add(rows[at + 4]).cast()))
    }
}
