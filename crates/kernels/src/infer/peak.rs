//! What a processor multiplies at most: products in registers alone, for whoever times them.

use std::hint::black_box;

#[cfg(target_arch = "x86_64")]
use super::integers::x86_64;
use super::{
    integers::{Dots, portable::Plain, whole::Whole},
    lanes::{Lanes, all},
};
use crate::{Level, vector::Registers};

/// Sums that do not wait for each other: two at once of four cycles each, with registers to spare where there are 16.
const SUMS: usize = 12;

/// Multiplies numbers of f32 this many times as often as there are sums, and says how many products that were.
///
/// ```
/// use std::time::Instant;
/// use sapwood_kernels::{Level, infer::peak};
///
/// let begin = Instant::now();
/// let products = peak::floats(Level::detect(), 1000);
/// println!("{:.1} GMAC/s", products as f64 / begin.elapsed().as_nanos() as f64);
/// ```
pub fn floats(level: Level, rounds: usize) -> u64 {
    // SAFETY (all): whoever has a level has its instructions.
    let lanes = match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(rounds) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(rounds) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => unsafe { neon(rounds) },
        Level::Portable => unsafe { portable(rounds) },
    };
    (lanes * SUMS * rounds) as u64
}

/// The same of bytes: a lane sums four products at once.
pub fn bytes(dots: Dots, rounds: usize) -> u64 {
    // SAFETY (all): as above.
    let lanes = match dots {
        #[cfg(target_arch = "x86_64")]
        Dots::Avx512Vnni => unsafe { avx512_vnni(rounds) },
        #[cfg(target_arch = "x86_64")]
        Dots::AvxVnni => unsafe { avx_vnni(rounds) },
        #[cfg(target_arch = "x86_64")]
        Dots::Avx2 => unsafe { avx2_bytes(rounds) },
        Dots::Portable => unsafe { portable_bytes(rounds) },
    };
    (4 * lanes * SUMS * rounds) as u64
}

macro_rules! level {
    ($(#[$attribute:meta])* $name:ident, $loop:ident, $register:ty) => {
        $(#[$attribute])*
        unsafe fn $name(rounds: usize) -> usize {
            // SAFETY: the caller's.
            unsafe { $loop::<$register>(rounds) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx512f,fma")]
    avx512,
    multiply,
    <f32 as Registers>::Avx512
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    multiply,
    <f32 as Registers>::Avx2
);
#[cfg(target_arch = "aarch64")]
level!(neon, multiply, <f32 as Registers>::Neon);
level!(portable, multiply, <f32 as Registers>::Portable);

#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,fma")]
    avx512_vnni,
    multiply_bytes,
    x86_64::Wide
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma,avxvnni")]
    avx_vnni,
    multiply_bytes,
    x86_64::Half<true>
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    avx2_bytes,
    multiply_bytes,
    x86_64::Half<false>
);
level!(portable_bytes, multiply_bytes, Plain);

/// # Safety
/// The machine must have the registers.
#[inline(always)]
unsafe fn multiply<V: Lanes>(rounds: usize) -> usize {
    let number = 1.0f32;
    // SAFETY (all): the caller's.
    unsafe {
        let (mut sums, weight) = ([V::splat(0.0); SUMS], V::splat(black_box(0.5)));
        for _ in 0..rounds {
            // From memory, so that nobody can know it.
            let input = V::splat(*black_box(&number));
            all!(14: SUMS, s => {
                sums[s] = weight.multiply_add(input, sums[s]);
            });
        }
        black_box(sums);
    }
    V::LANES
}

/// # Safety
/// The machine must have the registers.
#[inline(always)]
unsafe fn multiply_bytes<V: Whole>(rounds: usize) -> usize {
    let quad = 0x0102_0304;
    // SAFETY (all): the caller's.
    unsafe {
        let (mut sums, weights) = ([V::splat(0); SUMS], V::splat(black_box(0x0101_0101)));
        for _ in 0..rounds {
            let input = V::splat(*black_box(&quad));
            all!(14: SUMS, s => {
                sums[s] = sums[s].dot(input, weights);
            });
        }
        black_box(sums);
    }
    V::LANES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_says_how_many_products_there_were() {
        for level in Level::available() {
            assert_eq!(floats(level, 5), (5 * 12 * level.numbers()) as u64);
        }
        for dots in Dots::available() {
            assert_eq!(bytes(dots, 5), (5 * 12 * 4 * dots.lanes()) as u64);
        }
    }
}
