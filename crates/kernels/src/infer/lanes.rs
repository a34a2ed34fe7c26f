//! What inference does with registers besides multiplying and adding.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(not(target_arch = "x86_64"))]
use crate::vector::Lanes as Portable;
use crate::vector::Vector;

/// The bits of `1.0`.
const ONE: i32 = 0x3F80_0000;

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

    /// `self / b`
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn over(self, b: Self) -> Self;

    /// `2^n`, where the lowest bits of `self` are those of the whole number `n`, from -126 to 127.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn power_of_two(self) -> Self;

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

    /// The lanes of two registers beside each other, `before` and `self`, one lane further right.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn after(self, before: Self) -> Self;

    /// The lanes of two registers beside each other, `self` and `next`, one lane further left.
    ///
    /// # Safety
    /// As [`Lanes::plus`].
    unsafe fn until(self, next: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    (
        $vector:ty, $add:ident, $mul:ident, $div:ident, $max:ident, $min:ident, |$a:ident, $b:ident| $and:expr, $power:expr,
        $after:expr, $until:expr
    ) => {
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

            #[inline(always)]
            unsafe fn over(self, b: Self) -> Self {
                unsafe { $div(self, b) }
            }

            #[inline(always)]
            unsafe fn power_of_two(self) -> Self {
                let $a = self;
                unsafe { $power }
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

            #[inline(always)]
            unsafe fn after(self, before: Self) -> Self {
                let ($a, $b) = (self, before);
                unsafe { $after }
            }

            #[inline(always)]
            unsafe fn until(self, next: Self) -> Self {
                let ($a, $b) = (self, next);
                unsafe { $until }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(
    __m512,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_max_ps,
    _mm512_min_ps,
    |a, b| _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(b))),
    {
        let n = _mm512_slli_epi32::<23>(_mm512_castps_si512(a));
        _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_set1_epi32(ONE)))
    },
    _mm512_castsi512_ps(_mm512_alignr_epi32::<15>(_mm512_castps_si512(a), _mm512_castps_si512(b))),
    _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(_mm512_castps_si512(b), _mm512_castps_si512(a)))
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256,
    _mm256_add_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_max_ps,
    _mm256_min_ps,
    |a, b| _mm256_and_ps(a, b),
    {
        let n = _mm256_slli_epi32::<23>(_mm256_castps_si256(a));
        _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(ONE)))
    },
    {
        let middle = _mm256_permute2f128_ps::<0x21>(b, a);
        let [a, middle] = [_mm256_castps_si256(a), _mm256_castps_si256(middle)];
        _mm256_castsi256_ps(_mm256_alignr_epi8::<12>(a, middle))
    },
    {
        let middle = _mm256_permute2f128_ps::<0x21>(a, b);
        let [a, middle] = [_mm256_castps_si256(a), _mm256_castps_si256(middle)];
        _mm256_castsi256_ps(_mm256_alignr_epi8::<4>(middle, a))
    }
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m128,
    _mm_add_ps,
    _mm_mul_ps,
    _mm_div_ps,
    _mm_max_ps,
    _mm_min_ps,
    |a, b| _mm_and_ps(a, b),
    {
        let n = _mm_slli_epi32::<23>(_mm_castps_si128(a));
        _mm_castsi128_ps(_mm_add_epi32(n, _mm_set1_epi32(ONE)))
    },
    {
        // `[b3, b3, a0, a0]`, and of that and `a` `[b3, a0, a1, a2]`: all that SSE has.
        let middle = _mm_shuffle_ps::<0b00_00_11_11>(b, a);
        _mm_shuffle_ps::<0b10_01_10_00>(middle, a)
    },
    {
        let middle = _mm_shuffle_ps::<0b00_00_11_11>(a, b);
        _mm_shuffle_ps::<0b10_00_10_01>(a, middle)
    }
);

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
    unsafe fn over(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self::from_lanes(|l| power_of_two(self.lane(l)))
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

    #[inline(always)]
    unsafe fn after(self, before: Self) -> Self {
        Self::from_lanes(|l| if l == 0 { before.lane(L - 1) } else { self.lane(l - 1) })
    }

    #[inline(always)]
    unsafe fn until(self, next: Self) -> Self {
        Self::from_lanes(|l| if l + 1 == L { next.lane(0) } else { self.lane(l + 1) })
    }
}

/// [`Lanes::power_of_two`] of one number.
#[inline(always)]
pub(crate) fn power_of_two(n: f32) -> f32 {
    f32::from_bits((n.to_bits() << 23).wrapping_add(ONE as u32))
}

/// Does something for each number below `$count`, which is known when this is compiled, and is 28 at
/// most: written out, for the reason that [`each`](crate::vector::each) has. Loops in loops are written out
/// count times count: those inside ask for no more than they need.
macro_rules! all {
    (28: $count:expr, $i:ident => $body:block) => {
        $crate::infer::lanes::all!(@ 28, $count, $i => $body,
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
    };
    (14: $count:expr, $i:ident => $body:block) => {
        $crate::infer::lanes::all!(@ 14, $count, $i => $body, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
    };
    (8: $count:expr, $i:ident => $body:block) => {
        $crate::infer::lanes::all!(@ 8, $count, $i => $body, 0, 1, 2, 3, 4, 5, 6, 7)
    };
    (4: $count:expr, $i:ident => $body:block) => {
        $crate::infer::lanes::all!(@ 4, $count, $i => $body, 0, 1, 2, 3)
    };
    (@ $most:literal, $count:expr, $i:ident => $body:block, $($number:literal),*) => {{
        const { assert!($count <= $most) };
        $(
            if $number < $count {
                let $i: usize = $number;
                $body
            }
        )*
    }};
}

pub(crate) use all;
