//! This machine's counters of energy.

use std::{path::Path, time::Duration};

use sapwood_backend::DeviceSpec;
use sapwood_deploy::latency::EnergyMeter;

use crate::{
    Error,
    ledger::{Gpu, POWERCAP, PackageEnergy, Powercap, Unmeasured, gpu_of},
};

/// The meter of a device, `cpu` or `cuda:0`, and how long a network runs between two looks at
/// its counter.
///
/// # Errors
/// [`Error::NoEnergy`] where there is no counter, or where it may not be read.
pub fn energy_meter(device: &str, stretch: Duration) -> Result<EnergyMeter, Error> {
    of(device, stretch, Path::new(POWERCAP))
}

fn of(device: &str, stretch: Duration, powercap: &Path) -> Result<EnergyMeter, Error> {
    let refused = |why: Unmeasured| Error::NoEnergy { device: device.into(), why: why.reason() };
    device.parse::<DeviceSpec>()?;
    match gpu_of(device) {
        Some(Gpu { counter, .. }) => {
            let read = counter.map_err(refused)?;
            let millijoules = move || read().map(|mj| mj as f64).map_err(|why| why.reason());
            Ok(EnergyMeter::new(device, millijoules, stretch))
        }
        None => {
            let mut packages = Powercap::open(powercap).and_then(PackageEnergy::start).map_err(refused)?;
            let millijoules =
                move || packages.joules().map(|joules| 1e3 * joules).map_err(|why| why.reason());
            Ok(EnergyMeter::new(device, millijoules, stretch))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_a_counter_is_refused_at_once_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let nowhere = root.path().join("powercap");
        for (device, said) in [
            ("cpu", "no RAPL package counter below "),
            ("cuda:4000", "GPU "),
            ("vulkan", "GPU vulkan:0: of GPUs only those behind `cuda` have a counter"),
        ] {
            let error = of(device, Duration::ZERO, &nowhere).unwrap_err();
            assert!(matches!(error, Error::NoEnergy { .. }), "{error}");
            let error = error.to_string();
            let begin = format!("the energy of blocks cannot be measured on `{device}` ({said}");
            assert!(error.starts_with(&begin) && error.ends_with("leave energies out"), "{error}");
        }
    }
}
