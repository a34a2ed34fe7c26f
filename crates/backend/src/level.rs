//! Which instructions the kernels use.
//!
//! The order of sums follows from the width of registers, and so do the last digits of a result.
//! Without a word it is the best that the machine has; a pinned level gives the same bytes on every
//! machine that has it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use burn::prelude::Device;
use sapwood_kernels::Level;

use crate::Error;

/// The names of all levels there are, on whatever machine.
const NAMES: &[&str] = &["avx512", "avx2", "neon", "portable"];

/// The place of the pinned one in [`NAMES`], from 1; 0 where none is. The process's, as its pool of
/// threads is: autodiff goes back on whichever thread it likes.
static PINNED: AtomicUsize = AtomicUsize::new(0);

/// Pins the level of this process, before anything is computed.
///
/// # Errors
/// [`Error::UnknownLevel`], and [`Error::NoLevel`] for one that this machine has not.
pub fn pin_level(name: &str) -> Result<(), Error> {
    let place = NAMES.iter().position(|known| *known == name);
    let place = place.ok_or_else(|| Error::UnknownLevel { found: name.into(), known: NAMES.join(", ") })?;
    if !levels().any(|there| there == name) {
        let present = levels().collect::<Vec<_>>().join(", ");
        return Err(Error::NoLevel { found: name.into(), present });
    }
    PINNED.store(place + 1, Relaxed);
    tracing::debug!(level = name, "level pinned");
    Ok(())
}

/// The pinned level, if one is.
pub fn pinned_level() -> Option<&'static str> {
    NAMES.get(PINNED.load(Relaxed).wrapping_sub(1)).copied()
}

/// The level that the kernels use: the pinned one, or the best.
pub fn level() -> &'static str {
    current().name()
}

/// What this machine can run, best first.
pub fn levels() -> impl Iterator<Item = &'static str> {
    Level::available().map(Level::name)
}

/// The level that a device computes at, if it is the CPU.
pub fn level_of(device: &Device) -> Option<&'static str> {
    crate::ops::is_cpu(device).then(level)
}

pub(crate) fn current() -> Level {
    match pinned_level() {
        None => Level::detect(),
        Some(name) => Level::available().find(|level| level.name() == name).unwrap_or_else(Level::detect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_or_not_there_is_one_line() {
        let said = |name| pin_level(name).unwrap_err().to_string();
        assert_eq!(said("sse9"), "unknown level `sse9`: expected one of avx512, avx2, neon, portable");
        let other = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
        let present = levels().collect::<Vec<_>>().join(", ");
        assert_eq!(said(other), format!("this processor has no level `{other}`: it has {present}"));
        assert_eq!(pinned_level(), None);
    }
}
