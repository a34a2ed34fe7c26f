//! Which devices are tested, and how much of each.

use std::env;

use sapwood_backend::{Api, DeviceSpec};

/// How much a device is asked to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// What a driver without a GPU manages.
    Smallest,
    /// Narrow networks: the usual suite.
    Quick,
    /// Also the networks at full width: set `SAPWOOD_FULL`.
    Full,
}

/// The devices named by `SAPWOOD_DEVICES`, or `cpu`.
///
/// # Panics
/// If the variable names a device that does not exist.
pub fn devices() -> Vec<DeviceSpec> {
    let names = env::var("SAPWOOD_DEVICES").unwrap_or_else(|_| "cpu".into());
    names.split(',').map(|name| name.trim().parse().unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// How much a device is tested.
pub fn workload(device: DeviceSpec) -> Workload {
    match device.api {
        _ if env::var_os("SAPWOOD_FULL").is_some() => Workload::Full,
        Api::Cpu | Api::Cuda | Api::Metal => Workload::Quick,
        // Slow, or perhaps a driver in software.
        Api::NdArray | Api::Vulkan | Api::WebGpu => Workload::Smallest,
    }
}
