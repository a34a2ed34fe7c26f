//! A register of one number: for values without pixels.

use super::lanes::{Lanes, power_of_two};
use crate::vector::Vector;

/// One number, whose product and sum are rounded together where the level's registers do so.
#[derive(Clone, Copy)]
pub(crate) struct One<const FUSED: bool>(pub(crate) f32);

impl<const FUSED: bool> Vector for One<FUSED> {
    type Number = f32;

    const LANES: usize = 1;

    // SAFETY (all): the caller's.
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { *from })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { *to = self.0 };
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        Self(number)
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        Self(if FUSED { self.0.mul_add(b.0, c.0) } else { self.0 * b.0 + c.0 })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        self.0
    }
}

impl<const FUSED: bool> Lanes for One<FUSED> {
    #[inline(always)]
    unsafe fn plus(self, b: Self) -> Self {
        Self(self.0 + b.0)
    }

    #[inline(always)]
    unsafe fn times(self, b: Self) -> Self {
        Self(self.0 * b.0)
    }

    #[inline(always)]
    unsafe fn over(self, b: Self) -> Self {
        Self(self.0 / b.0)
    }

    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self(power_of_two(self.0))
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        Self(if self.0 < bound.0 { bound.0 } else { self.0 })
    }

    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        Self(if self.0 > bound.0 { bound.0 } else { self.0 })
    }

    #[inline(always)]
    unsafe fn masked(self, mask: Self) -> Self {
        Self(f32::from_bits(self.0.to_bits() & mask.0.to_bits()))
    }

    #[inline(always)]
    unsafe fn after(self, before: Self) -> Self {
        before
    }

    #[inline(always)]
    unsafe fn until(self, next: Self) -> Self {
        next
    }
}
