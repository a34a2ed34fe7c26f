//! `--device`

use burn::prelude::Device;
use clap::Args;
use sapwood_backend::DeviceSpec;

use crate::Error;

/// The device that a command runs on.
#[derive(Args)]
pub(super) struct OnDevice {
    /// Where to run: cpu, ndarray, vulkan[:n], metal[:n], webgpu[:n], cuda[:n]
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(super) device: String,
}

impl OnDevice {
    pub(super) fn resolve(&self) -> Result<Device, Error> {
        let device = self.device.parse::<DeviceSpec>()?.resolve()?;
        if let (Some(level), None) = (sapwood_backend::pinned_level(), sapwood_backend::level_of(&device)) {
            return Err(Error::Usage(format!(
                "level {level} is one of the CPU's: leave `--level` and SAPWOOD_LEVEL out for `{}`",
                self.device
            )));
        }
        Ok(device)
    }
}
