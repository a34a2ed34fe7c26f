//! The arithmetic that dominates training, for the CPU backend, in f32 and f64.
//!
//! A convolution is computed without ever writing its patches down. Each input
//! plane is laid out flat with zeros between its rows, so that shifting the whole
//! plane by a tap of the kernel is adding to an address: a convolution becomes
//! sums of long contiguous rows with scalar weights ([`rows`]), its weight
//! gradient dot products of such rows ([`dots`]), and one description of which
//! rows there are ([`correlation`]) serves all three passes, every stride,
//! dilation and number of groups.
//!
//! Nothing here depends on the number of threads: each output value is summed by
//! one of them, in one order. This is the only module of Sapwood with `unsafe`
//! blocks: calls of functions that are compiled for instructions which
//! [`Level::detect`] found on this machine.

#![allow(unsafe_code)]

mod convolution;
mod correlation;
mod dots;
mod float;
mod normalization;
mod planes;
mod rows;
mod stacked;
mod transform;

pub(crate) use convolution::Convolution;
pub(crate) use float::Float;
pub(crate) use normalization::{Size, channel_sums, normalize, normalize_backward};

/// Which instructions the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Registers of 64 bytes and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Registers of 32 bytes and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Registers of 16 bytes and fused multiply-add, which every 64-bit Arm has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Whatever the compiler makes of it.
    Portable,
}

impl Level {
    /// The best of [`Level::available`].
    pub(crate) fn detect() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }

    /// What this machine can run, best first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let levels = [
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma")),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            #[cfg(target_arch = "aarch64")]
            (Self::Neon, true),
            (Self::Portable, true),
        ];
        levels.into_iter().filter(|(_, is_there)| *is_there).map(|(level, _)| level)
    }
}

/// `a * b + c`, fused where the machine does that in one instruction.
#[inline(always)]
fn multiply_add<T: Float, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
