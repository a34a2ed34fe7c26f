//! Registers full of numbers, and the few things that the innermost loops do with them.
//!
//! They are the processor's own types and not arrays, which a compiler keeps in memory or in
//! registers as its passes happen to run: so it was by the caller's Cargo profile how fast a
//! convolution was. For the same reason those loops count by [`each`], which leaves nothing to be
//! unrolled.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(not(target_arch = "x86_64"))]
use crate::number::Number;

/// A register.
pub trait Vector: Copy {
    /// What it is full of.
    type Number: Copy;

    /// How many it has.
    const LANES: usize;

    /// # Safety (of all)
    /// The machine must have the instructions for this register, and a vector must begin at the
    /// address.
    unsafe fn load(from: *const Self::Number) -> Self;

    /// # Safety
    /// As [`Vector::load`].
    unsafe fn store(self, to: *mut Self::Number);

    /// The same number in each lane.
    ///
    /// # Safety
    /// As [`Vector::load`].
    unsafe fn splat(number: Self::Number) -> Self;

    /// `self * b + c`, rounded once where there is an instruction for it.
    ///
    /// # Safety
    /// As [`Vector::load`].
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;

    /// The sum of the lanes, folded in halves: shorter than one after the other, and more exact.
    ///
    /// # Safety
    /// As [`Vector::load`].
    unsafe fn sum(self) -> Self::Number;
}

/// The registers of each level. What a level has not is the portable one.
pub trait Registers: Sized {
    /// Of 64 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Number = Self>;
    /// Of 32 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Number = Self>;
    /// Of 16 bytes, with fused multiply-add.
    #[cfg(target_arch = "aarch64")]
    type Neon: Vector<Number = Self>;
    /// Of 16 bytes.
    type Portable: Vector<Number = Self>;
}

macro_rules! registers {
    ($number:ty, $few:literal, $wide:ty, $half:ty, $small:ty) => {
        impl Registers for $number {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = $wide;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = $half;
            #[cfg(target_arch = "aarch64")]
            type Neon = Lanes<$number, $few, true>;
            #[cfg(target_arch = "x86_64")]
            type Portable = $small;
            #[cfg(not(target_arch = "x86_64"))]
            type Portable = Lanes<$number, $few, false>;
        }
    };
}

registers!(f32, 4, __m512, __m256, __m128);
registers!(f64, 2, __m512d, __m256d, __m128d);

/// One register of this processor's, by its intrinsics.
#[cfg(target_arch = "x86_64")]
macro_rules! vector {
    ($vector:ty, $number:ty, $lanes:literal, [$load:ident, $store:ident, $splat:ident], $multiply_add:ident, $sum:ident) => {
        impl Vector for $vector {
            type Number = $number;

            const LANES: usize = $lanes;

            // SAFETY (all): the caller's.
            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $number) {
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn splat(number: $number) -> Self {
                unsafe { $splat(number) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
                unsafe { $multiply_add(self, b, c) }
            }

            #[inline(always)]
            unsafe fn sum(self) -> $number {
                unsafe { $sum(self) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::*;

    vector!(__m512, f32, 16, [_mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps], _mm512_fmadd_ps, fold_512);
    vector!(__m512d, f64, 8, [_mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd], _mm512_fmadd_pd, fold_512d);
    vector!(__m256, f32, 8, [_mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps], _mm256_fmadd_ps, fold_256);
    vector!(__m256d, f64, 4, [_mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd], _mm256_fmadd_pd, fold_256d);
    vector!(__m128, f32, 4, [_mm_loadu_ps, _mm_storeu_ps, _mm_set1_ps], multiply_then_add, fold_128);
    vector!(__m128d, f64, 2, [_mm_loadu_pd, _mm_storeu_pd, _mm_set1_pd], multiply_then_add_wide, fold_128d);

    // SAFETY (of all): the machine must have the instructions for the register.

    #[inline(always)]
    unsafe fn fold_512(x: __m512) -> f32 {
        // Of AVX-512's instructions only its first: halves of doubles are halves of bits.
        unsafe {
            let bits = _mm512_castps_pd(x);
            let [low, high] = [_mm512_castpd512_pd256(bits), _mm512_extractf64x4_pd::<1>(bits)];
            fold_256(_mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high)))
        }
    }

    #[inline(always)]
    unsafe fn fold_512d(x: __m512d) -> f64 {
        unsafe { fold_256d(_mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x))) }
    }

    #[inline(always)]
    unsafe fn fold_256(x: __m256) -> f32 {
        unsafe { fold_128(_mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x))) }
    }

    #[inline(always)]
    unsafe fn fold_256d(x: __m256d) -> f64 {
        unsafe { fold_128d(_mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd::<1>(x))) }
    }

    #[inline(always)]
    unsafe fn fold_128(x: __m128) -> f32 {
        unsafe {
            let two = _mm_add_ps(x, _mm_movehl_ps(x, x));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    unsafe fn fold_128d(x: __m128d) -> f64 {
        unsafe { _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x))) }
    }

    /// # Safety
    /// None: every x86-64 has these instructions.
    #[inline(always)]
    unsafe fn multiply_then_add(a: __m128, b: __m128, c: __m128) -> __m128 {
        // SAFETY: as above.
        unsafe { _mm_add_ps(_mm_mul_ps(a, b), c) }
    }

    /// # Safety
    /// None: every x86-64 has these instructions.
    #[inline(always)]
    unsafe fn multiply_then_add_wide(a: __m128d, b: __m128d, c: __m128d) -> __m128d {
        // SAFETY: as above.
        unsafe { _mm_add_pd(_mm_mul_pd(a, b), c) }
    }
}

/// A register of a processor whose intrinsics are not written down here: numbers beside each
/// other.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy)]
pub struct Lanes<T, const L: usize, const FUSED: bool>([T; L]);

#[cfg(not(target_arch = "x86_64"))]
impl<T: Number, const L: usize, const FUSED: bool> Vector for Lanes<T, L, FUSED> {
    type Number = T;

    const LANES: usize = L;

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { from.cast::<[T; L]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[T; L]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    unsafe fn splat(number: T) -> Self {
        Self([number; L])
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, mut c: Self) -> Self {
        for l in 0..L {
            let (a, b) = (self.0[l], b.0[l]);
            c.0[l] = if FUSED { a.mul_add(b, c.0[l]) } else { a * b + c.0[l] };
        }
        c
    }

    #[inline(always)]
    unsafe fn sum(self) -> T {
        let (mut lanes, mut half) = (self.0, L / 2);
        while half > 0 {
            for l in 0..half {
                lanes[l] += lanes[l + half];
            }
            half /= 2;
        }
        lanes[0]
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl<T: Number, const L: usize, const FUSED: bool> Lanes<T, L, FUSED> {
    /// A function of each two lanes.
    #[inline(always)]
    pub(crate) fn zip(self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        Self(std::array::from_fn(|l| f(self.0[l], b.0[l])))
    }

    /// Lanes from elsewhere.
    #[inline(always)]
    pub(crate) fn from_lanes(lane: impl Fn(usize) -> T) -> Self {
        Self(std::array::from_fn(lane))
    }

    /// A lane.
    #[inline(always)]
    pub(crate) fn lane(self, lane: usize) -> T {
        self.0[lane]
    }
}

/// Does something for each number below `$count`, which is known when this is compiled, and is 9
/// at most.
macro_rules! each {
    ($count:expr, $i:ident => $body:block) => {
        $crate::vector::each!(@ $count, $i => $body, 0, 1, 2, 3, 4, 5, 6, 7, 8)
    };
    (@ $count:expr, $i:ident => $body:block, $($number:literal),*) => {{
        const { assert!($count <= 9) };
        $(
            if $number < $count {
                let $i: usize = $number;
                $body
            }
        )*
    }};
}

pub(crate) use each;
