//! The types of numbers that the kernels compute with.

use std::{
    fmt::Debug,
    ops::{Add, AddAssign, Div, Mul, Sub},
};

use crate::vector::Registers;

/// f32 or f64, as the kernels are written once for both. How rows are cut into blocks was chosen
/// for numbers of 4 and 8 bytes.
pub trait Number:
    Registers
    + Copy
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
{
    /// 0
    const ZERO: Self;
    /// How far sums may be from their definition, relative to their norm.
    #[cfg(test)]
    const TOLERANCE: f64;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;

    /// The same number, wide.
    fn to_f64(self) -> f64;

    /// `self * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// `e` to this power.
    fn exp(self) -> Self;

    /// The error function.
    fn erf(self) -> Self;

    /// The square root.
    fn sqrt(self) -> Self;
}

// Always inlined: what a kernel is compiled for must hold in here too.
impl Number for f32 {
    const ZERO: Self = 0.0;
    #[cfg(test)]
    const TOLERANCE: f64 = 1e-5;

    #[inline(always)]
    fn exp(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn erf(self) -> Self {
        libm::erff(self)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    #[cfg(test)]
    const TOLERANCE: f64 = 1e-12;

    #[inline(always)]
    fn exp(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn erf(self) -> Self {
        libm::erf(self)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}
