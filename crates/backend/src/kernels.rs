//! The arithmetic that dominates training, for the CPU backend, in f32 and f64.
//!
//! A convolution is computed without ever writing its patches down. Each input
//! plane is laid out with zeros between its rows ([`planes`]), so that shifting the
//! whole plane by a tap of the kernel is adding to an address: a convolution becomes
//! sums of rows with scalar weights ([`rows`]), and its weight gradient dot products
//! of such rows ([`dots`]). Sums are written where the output wants them, vector by
//! vector ([`cover`]). Where pixels have no neighbours a plane is a single row, and
//! where planes are tiny the images lie beside each other instead ([`stacked`]).
//!
//! Nothing here depends on the number of threads: each output value is summed in one
//! order, and what is cut into slices is cut by its size. This is the only module of
//! Sapwood with `unsafe` blocks: calls of functions that are compiled for
//! instructions which [`Level::detect`] found on this machine, accesses within bounds
//! that were compared once for many of them, and memory that is written before it is
//! read ([`memory`]).

#![allow(unsafe_code)]

mod convolution;
mod correlation;
mod cover;
mod dots;
mod float;
mod gradient;
mod memory;
mod moves;
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
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let levels = [
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, has_avx2 && is_x86_feature_detected!("avx512f")),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, has_avx2),
            #[cfg(target_arch = "aarch64")]
            (Self::Neon, true),
            (Self::Portable, true),
        ];
        levels.into_iter().filter(|(_, is_there)| *is_there).map(|(level, _)| level)
    }

    /// How many numbers a register has.
    pub(crate) fn lanes<T>(self) -> usize {
        let bytes = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 64,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 32,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 16,
            Self::Portable => 16,
        };
        bytes / size_of::<T>()
    }

    /// The level for rows of this width: where half a register holds them, that is
    /// enough.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(crate) fn narrowed<T>(self, width: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 && 2 * width <= self.lanes::<T>() {
            return Self::Avx2;
        }
        self
    }
}

/// `a * b + c`, fused where the machine does that in one instruction.
#[inline(always)]
fn multiply_add<T: Float, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
