//! A stopwatch that waits for the device: not in a browser, which cannot wait.

use std::time::{Duration, Instant};

use burn::prelude::Device;

/// Measures the time from its start to [`Timer::stop`], with all work queued on
/// the device finished at both ends.
#[derive(Debug)]
pub struct Timer {
    device: Device,
    start: Instant,
}

impl Timer {
    /// Waits for the device, then starts.
    ///
    /// # Errors
    /// A device that was lost or is full, or on which something that was queued failed.
    pub fn start(device: &Device) -> Result<Self, crate::Error> {
        device.sync()?;
        Ok(Self { device: device.clone(), start: Instant::now() })
    }

    /// Waits for the device, then tells the time since the start.
    ///
    /// # Errors
    /// Those of [`Timer::start`].
    pub fn stop(self) -> Result<Duration, crate::Error> {
        self.device.sync()?;
        Ok(self.start.elapsed())
    }
}
