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
    /// Also the networks at full width.
    Full,
}

impl Workload {
    /// By its name: `smallest`, `quick` or `full`.
    pub fn named(name: &str) -> Option<Self> {
        let all = [("smallest", Self::Smallest), ("quick", Self::Quick), ("full", Self::Full)];
        all.into_iter().find(|(known, _)| *known == name).map(|(_, workload)| workload)
    }
}

/// The devices named by `SAPWOOD_DEVICES`, or `cpu`.
///
/// # Panics
/// If the variable names a device that does not exist.
pub fn devices() -> Vec<DeviceSpec> {
    let names = env::var("SAPWOOD_DEVICES").unwrap_or_else(|_| "cpu".into());
    names.split(',').map(|name| name.trim().parse().unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// How much a device is tested: what `SAPWOOD_WORKLOAD` names, or as much as it manages.
///
/// # Panics
/// If the variable names no workload.
pub fn workload(device: DeviceSpec) -> Workload {
    if let Ok(name) = env::var("SAPWOOD_WORKLOAD") {
        let unknown = || panic!("SAPWOOD_WORKLOAD: expected smallest, quick or full, found `{name}`");
        return Workload::named(&name).unwrap_or_else(unknown);
    }
    match device.api {
        Api::Cpu | Api::Cuda | Api::Metal => Workload::Quick,
        // Slow, or perhaps a driver in software.
        Api::NdArray | Api::Vulkan | Api::WebGpu => Workload::Smallest,
    }
}
