//! A stopwatch that waits for the device.

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
    pub fn start(device: &Device) -> Result<Self, crate::Error> {
        sync(device)?;
        Ok(Self { device: device.clone(), start: Instant::now() })
    }

    /// Waits for the device, then tells the time since the start.
    pub fn stop(self) -> Result<Duration, crate::Error> {
        sync(&self.device)?;
        Ok(self.start.elapsed())
    }
}

fn sync(device: &Device) -> Result<(), crate::Error> {
    device.sync().map_err(|error| crate::Error::Read(error.to_string()))
}
