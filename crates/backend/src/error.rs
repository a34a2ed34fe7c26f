//! What can go wrong between a device's name and its numbers.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text names no device.
    #[error("unknown device `{found}`: expected one of {known}, with an optional index as in `cuda:1`")]
    UnknownDevice {
        /// What was written.
        found: String,
        /// The names that exist.
        known: String,
    },
    /// The device's backend was left out of this build.
    #[error(
        "device `{device}` is not compiled in: build with `--features {feature}` (compiled in: {available})"
    )]
    NotCompiled {
        /// What was asked for.
        device: String,
        /// The feature that brings it.
        feature: &'static str,
        /// The devices that this build has.
        available: String,
    },
    /// The backend is compiled in, but the machine has no such adapter.
    #[error("device `{device}` was not found on this machine: it has {present}")]
    NoAdapter {
        /// What was asked for.
        device: String,
        /// The adapters of that kind that are there.
        present: String,
    },
    /// The text names no implementation of the operations.
    #[error("unknown operations `{found}`: expected `kernels` or `burn`")]
    UnknownOps {
        /// What was written.
        found: String,
    },
    /// Reading a tensor failed on the device.
    #[error("reading a tensor from the device failed: {0}")]
    Read(String),
}
