//! What the cost models know of processors.

use crate::Level;

/// How many registers a processor multiplies, or loads, at once, and how many bytes come out of its second
/// cache meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Machine {
    pub(crate) at_once: f64,
    pub(crate) second: f64,
}

impl Machine {
    /// Of the processor that this runs on, at a level.
    pub(crate) fn of(level: Level) -> Self {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if has_halves() => Self { at_once: 1.0, second: 12.0 },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self { at_once: 2.0, second: 16.0 },
            _ => Self { at_once: 2.0, second: 12.0 },
        }
    }
}

/// Whether registers of 64 bytes are computed by halves: so it is on Zen 4, whose family Zen 3 shares (AMD's
/// Software Optimization Guide for Zen 4, section 2.11); not on Intel's servers, nor on Zen 5.
#[cfg(target_arch = "x86_64")]
fn has_halves() -> bool {
    use std::arch::x86_64::__cpuid;
    let vendor = __cpuid(0);
    let version = __cpuid(1).eax;
    let family = (version >> 8 & 0xF) + (version >> 20 & 0xFF);
    // The first four letters of `AuthenticAMD`.
    vendor.ebx == u32::from_le_bytes(*b"Auth") && family == 0x19
}
