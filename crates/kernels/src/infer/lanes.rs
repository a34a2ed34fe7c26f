//! What inference does with registers besides multiplying and adding.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(not(target_arch = "x86_64"))]
use crate::vector::Lanes as Portable;
use crate::vector::Vector;

/// A register of f32.
pub(crate) trait Lanes: Vector<Number = f32> {
    /// `self + b`
    ///
    /// # Safety (of all)
    /// The machine must have the instructions for this register.
    unsafe fn plus(self, b: Self) -> Self;

    /// `self b`
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn times(self, b: Self) -> Self;

    /// The larger one of `self` and `bound`; what is not a number stays so.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn at_least(self, bound: Self) -> Self;

    /// The smaller one of `self` and `bound`; what is not a number stays so.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn at_most(self, bound: Self) -> Self;

    /// Zero where `mask` has no bits, which it has all or none of in each lane.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn masked(self, mask: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($vector:ty, $add:ident, $mul:ident, $max:ident, $min:ident, |$a:ident, $b:ident| $and:expr) => {
        impl Lanes for $vector {
            // SAFETY (all): the caller's.
            #[inline(always)]
            unsafe fn plus(self, b: Self) -> Self {
                unsafe { $add(self, b) }
            }

            #[inline(always)]
            unsafe fn times(self, b: Self) -> Self {
                unsafe { $mul(self, b) }
            }

            // Where one is not a number these instructions give the second.
            #[inline(always)]
            unsafe fn at_least(self, bound: Self) -> Self {
                unsafe { $max(bound, self) }
            }

            #[inline(always)]
            unsafe fn at_most(self, bound: Self) -> Self {
                unsafe { $min(bound, self) }
            }

            #[inline(always)]
            unsafe fn masked(self, mask: Self) -> Self {
                let ($a, $b) = (self, mask);
                unsafe { $and }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(__m512, _mm512_add_ps, _mm512_mul_ps, _mm512_max_ps, _mm512_min_ps, |a, b| _mm512_castsi512_ps(
    _mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(b))
));
#[cfg(target_arch = "x86_64")]
lanes!(__m256, _mm256_add_ps, _mm256_mul_ps, _mm256_max_ps, _mm256_min_ps, |a, b| _mm256_and_ps(a, b));
#[cfg(target_arch = "x86_64")]
lanes!(__m128, _mm_add_ps, _mm_mul_ps, _mm_max_ps, _mm_min_ps, |a, b| _mm_and_ps(a, b));

#[cfg(not(target_arch = "x86_64"))]
impl<const L: usize, const FUSED: bool> Lanes for Portable<f32, L, FUSED> {
    #[inline(always)]
    unsafe fn plus(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn times(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if a > b { b } else { a })
    }

    #[inline(always)]
    unsafe fn masked(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }
}

/// Does something for each number below `$count`, which is known when this is compiled, and is 28 at
/// most: written out, for the reason that [`each`](crate::vector::each) has.
macro_rules! all {
    ($count:expr, $i:ident => $body:block) => {
        $crate::infer::lanes::all!(@ $count, $i => $body,
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
    };
    (@ $count:expr, $i:ident => $body:block, $($number:literal),*) => {{
        const { assert!($count <= 28) };
        $(
            if $number < $count {
                let $i: usize = $number;
                $body
            }
        )*
    }};
}

pub(crate) use all;
