//! What becomes of sums, with all its numbers in registers: what is written meanwhile could be them otherwise.

use super::{
    after::{Line, Rounding},
    whole::Whole,
};

/// From sums to integers of a result.
#[derive(Clone, Copy)]
pub(crate) struct Own<V: Whole> {
    low: V::Real,
    high: V::Real,
    /// What stands for 0.
    zero: V,
}

impl<V: Whole> Own<V> {
    /// As bytes.
    ///
    /// # Safety (of all)
    /// The machine must have the registers.
    #[inline(always)]
    pub(crate) unsafe fn bytes_of(rounding: &Rounding) -> Self {
        // SAFETY (all): the caller's.
        unsafe { Self::new(rounding, rounding.zero_point + rounding.shift) }
    }

    #[inline(always)]
    unsafe fn new(rounding: &Rounding, zero: i32) -> Self {
        let [low, high] = rounding.bounds;
        unsafe { Self { low: V::reals(low), high: V::reals(high), zero: V::splat(zero) } }
    }

    /// Of sums, given the factors of their outputs.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    pub(crate) unsafe fn of(&self, sums: V, factors: V::Real) -> V {
        unsafe { self.differences(sums, factors).plus(self.zero) }
    }

    /// The same less what stands for 0.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    pub(crate) unsafe fn differences(&self, sums: V, factors: V::Real) -> V {
        unsafe { V::nearest(V::times(sums.real(), factors), self.low, self.high) }
    }
}

/// From sums to bytes of the sum of a result with another value.
#[derive(Clone, Copy)]
pub(crate) struct Both<V: Whole> {
    own: Own<V>,
    /// By what the result and the other value are multiplied.
    factors: [V::Real; 2],
    is_second: bool,
    fixed: V::Real,
    low: V::Real,
    high: V::Real,
    /// From the bytes of the other value to its integers, and from those of the sum to its bytes.
    shifts: [V; 2],
}

impl<V: Whole> Both<V> {
    /// Where the result is the second summand or not.
    ///
    /// # Safety (of all)
    /// The machine must have the registers.
    #[inline(always)]
    pub(crate) unsafe fn bytes_of(rounding: &Rounding, line: &Line, is_second: bool) -> Self {
        let ([first, second], [low, high]) = (line.factors, line.bounds);
        let factors = if is_second { [second, first] } else { [first, second] };
        // SAFETY (all): the caller's.
        unsafe {
            Self {
                own: Own::new(rounding, rounding.zero_point),
                factors: [V::reals(factors[0]), V::reals(factors[1])],
                is_second,
                fixed: V::reals(line.fixed),
                low: V::reals(low),
                high: V::reals(high),
                shifts: [V::splat(-line.shifts[1]), V::splat(line.shifts[2])],
            }
        }
    }

    /// Of sums, given the factors of their outputs and the bytes of the other value.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    pub(crate) unsafe fn of(&self, sums: V, factors: V::Real, other: V) -> V {
        unsafe { self.integers(sums, factors, other).plus(self.shifts[1]) }
    }

    /// The same as integers, with a sign where they have one.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    pub(crate) unsafe fn integers(&self, sums: V, factors: V::Real, other: V) -> V {
        let [of_own, of_other] = self.factors;
        unsafe {
            let [own, other] = [self.own.of(sums, factors).real(), other.plus(self.shifts[0]).real()];
            // Each is rounded in its turn.
            let sum = match self.is_second {
                false => V::fused(own, of_own, V::fused(other, of_other, self.fixed)),
                true => V::fused(other, of_other, V::fused(own, of_own, self.fixed)),
            };
            V::nearest(sum, self.low, self.high)
        }
    }
}
