//! What can go wrong between a device's name and its numbers.

use burn::tensor::ExecutionError;

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
    /// The text names no level of instructions.
    #[error("unknown level `{found}`: expected one of {known}")]
    UnknownLevel {
        /// What was written.
        found: String,
        /// The names that exist.
        known: String,
    },
    /// The processor has not the instructions of that level.
    #[error("this processor has no level `{found}`: it has {present}")]
    NoLevel {
        /// What was asked for.
        found: String,
        /// The levels of this machine.
        present: String,
    },
    /// A browser's device was asked for by a call that cannot wait for the answer.
    #[error("device `{device}` cannot be had at once in a browser: await `DeviceSpec::resolve_async`")]
    MustBeAwaited {
        /// What was asked for.
        device: String,
    },
    /// There is an adapter, but it gives no device.
    #[error("device `{device}` was refused: {reason}")]
    Refused {
        /// What was asked for.
        device: String,
        /// The graphics interface's own words.
        reason: String,
    },
    /// The device went away while it was at work: a driver's reset, a timeout, an adapter that was
    /// unplugged or taken back by the browser. It cannot be used again by this process or page.
    #[error("the device was lost: start again, from the last checkpoint if there is one ({reason})")]
    Lost {
        /// The driver's own words.
        reason: String,
    },
    /// The device had no room for a tensor.
    #[error("the device's memory is full: take smaller batches or a smaller network ({reason})")]
    OutOfMemory {
        /// The driver's own words.
        reason: String,
    },
    /// Reading a tensor failed on the device for another reason.
    #[error("reading a tensor from the device failed: {0}")]
    Read(String),
}

impl From<ExecutionError> for Error {
    /// Burn tells a lost device by its variant and a full one by its words alone: those of its own
    /// accounts, or of a buffer that wgpu was refused and that therefore never was.
    ///
    /// All surface at the first read after them. In a browser wgpu ends the module instead, and no value
    /// of this type reports that.
    fn from(error: ExecutionError) -> Self {
        const FULL: [&str; 3] =
            ["out of device memory", "can't allocate buffer", "Memory location was never initialized"];
        let reason = cause(error.reason()).to_string();
        match error {
            ExecutionError::DevicePoisoned { .. } => Self::Lost { reason },
            _ if FULL.iter().any(|words| reason.contains(words)) => Self::OutOfMemory { reason },
            _ => Self::Read(reason),
        }
    }
}

/// What began it: what the last "Caused by" says, or the first line where there is none.
fn cause(reason: &str) -> &str {
    let last = reason.rsplit("Caused by:").next().unwrap_or(reason);
    last.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_device_and_a_full_one_are_told_apart_in_one_line() {
        let lost = ExecutionError::device_poisoned("Unknown: the driver was reset\n  at frame 0");
        // As Burn words them: its own account, a buffer above the limit, and one that wgpu was refused.
        for full in [
            "out of device memory allocating 8 bytes",
            "can't allocate buffer of size: 8",
            "couldn't find resource for that handle: Memory location was never initialized",
        ] {
            let words = format!("no bytes\nCaused by:\n  skipped\nCaused by:\n  {full}\n  at frame 0");
            let error = Error::from(ExecutionError::with_context(words));
            assert!(matches!(&error, Error::OutOfMemory { reason } if reason == full), "{error}");
        }
        let other = ExecutionError::with_context("shader not accepted");
        assert!(
            matches!(Error::from(lost), Error::Lost { reason } if reason == "Unknown: the driver was reset")
        );
        assert!(matches!(Error::from(other), Error::Read(reason) if reason == "shader not accepted"));
    }
}
