//! The registers of x86-64, by its intrinsics.

use std::arch::x86_64::*;

use super::whole::Whole;

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
}
