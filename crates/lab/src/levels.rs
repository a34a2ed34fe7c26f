//! By what a run was computed, and whether a study's runs were computed alike.
//!
//! The last digits of a result follow from the device and, on the CPU, from the level of instructions and from whether
//! that is pinned. It is no part of what decides a run, so it stands in files beside those that are the same everywhere.

use std::{collections::BTreeSet, fmt, fs, io::ErrorKind, path::Path};

use burn::prelude::Device;
use sapwood_core::write_atomic;

use crate::Error;

/// Levels that have met, or devices: each is called by its level, with `-pinned` behind it where that is pinned, or, where
/// it has none, `device-` and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MixedLevels {
    /// A run goes on at another level than it was begun at.
    Run {
        /// The level of what is done.
        before: String,
        /// The level from here on.
        now: String,
    },
    /// Workers of a study compute at several.
    Study {
        /// All of them.
        levels: Vec<String>,
    },
}

impl fmt::Display for MixedLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { before, now } if self.is_of_devices() => {
                write!(f, "this run was begun by {before} and goes on by {now}")?;
            }
            Self::Run { before, now } => {
                write!(f, "this run was begun at level {before} and goes on at {now}")?;
            }
            Self::Study { levels } => {
                let several = if self.is_of_devices() { "by several devices" } else { "at several levels" };
                write!(f, "the runs of this study are computed {several}: {}", levels.join(", "))?;
            }
        }
        f.write_str(match self.is_of_devices() {
            true => "; last digits depend on it: take one device for all",
            false => "; last digits depend on it: pin one level for all",
        })
    }
}

/// What stands in front of the name of a device without levels.
const DEVICE: &str = "device-";

/// By what is computed, in a word that can be the name of a file.
pub(crate) fn computed_by(device: &Device) -> String {
    match (sapwood_backend::level_of(device), sapwood_backend::pinned_level()) {
        (None, _) => name(&format!("{:?}", device.clone().inner())),
        (Some(level), None) => level.into(),
        // Then sums have an order of their own.
        (Some(level), Some(_)) => format!("{level}-pinned"),
    }
}

/// What Burn calls a device, `Device<Cube(Cuda(CudaDevice { index: 0 }))>`, in a word.
fn name(device: &str) -> String {
    let name = device.strip_prefix("Device").unwrap_or(device);
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    format!("{DEVICE}{}", parts.collect::<Vec<_>>().join("-").to_lowercase())
}

/// Writes down by what a run is computed.
pub(crate) fn of_run(folder: &Path, device: &Device) -> Result<Option<MixedLevels>, Error> {
    note(folder, computed_by(device))
}

fn note(folder: &Path, now: String) -> Result<Option<MixedLevels>, Error> {
    let path = folder.join("level.txt");
    let before = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(Error::file("read", &path))?.trim().to_string(),
    };
    if before.split(' ').any(|level| level == now) {
        return Ok(None);
    }
    let text = if before.is_empty() { now.clone() } else { format!("{before} {now}") };
    write_atomic(&path, format!("{text}\n").as_bytes())?;
    Ok((!before.is_empty()).then_some(MixedLevels::Run { before, now }))
}

/// Writes down that a worker of a study computes on this device.
pub(crate) fn of_worker(study: &Path, device: &Device) -> Result<(), Error> {
    let folder = study.join("levels");
    fs::create_dir_all(&folder).map_err(Error::file("make the folder", &folder))?;
    let path = folder.join(computed_by(device));
    match path.exists() {
        true => Ok(()),
        false => Ok(write_atomic(&path, b"")?),
    }
}

impl MixedLevels {
    /// Whether one of them is a device without levels.
    fn is_of_devices(&self) -> bool {
        let is_device = |word: &str| word.starts_with(DEVICE);
        match self {
            // The level before may be several.
            Self::Run { before, now } => before.split(' ').any(is_device) || is_device(now),
            Self::Study { levels } => levels.iter().any(|level| is_device(level)),
        }
    }

    /// The levels at which workers of a study have computed, if they are several.
    pub fn of_study(study: &Path) -> Option<Self> {
        let entries = fs::read_dir(study.join("levels")).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let levels: BTreeSet<String> = names.filter(|name| !name.contains('.')).collect();
        (levels.len() > 1).then(|| Self::Study { levels: levels.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_backend::{DeviceSpec, level};

    #[test]
    fn a_run_that_goes_on_at_another_level_is_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let device = DeviceSpec::CPU.resolve().unwrap();
        assert_eq!(of_run(folder.path(), &device).unwrap(), None);
        assert_eq!(fs::read_to_string(folder.path().join("level.txt")).unwrap().trim(), level());
        fs::write(folder.path().join("level.txt"), "sse9\n").unwrap();
        let said = of_run(folder.path(), &device).unwrap().unwrap().to_string();
        assert!(said.starts_with(&format!("this run was begun at level sse9 and goes on at {}; ", level())));
        assert_eq!(of_run(folder.path(), &device).unwrap(), None);
    }

    #[test]
    fn a_run_that_goes_on_by_another_device_or_pinned_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let gpu = name("Device<Cube(Cuda(CudaDevice { index: 0 }))>");
        assert_eq!(gpu, "device-cube-cuda-cudadevice-index-0");
        assert_eq!(note(folder.path(), "avx2".into()).unwrap(), None);
        let said =
            |now: &str| note(folder.path(), now.into()).unwrap().map(|mixed| mixed.to_string()).unwrap();
        assert!(
            said("avx2-pinned").starts_with("this run was begun at level avx2 and goes on at avx2-pinned; ")
        );
        let said = said(&gpu);
        assert_eq!(
            said,
            format!(
                "this run was begun by avx2 avx2-pinned and goes on by {gpu}; last digits depend on it: take one device \
                 for all"
            )
        );
    }

    #[test]
    fn workers_at_several_levels_are_noticed() {
        let study = tempfile::tempdir().unwrap();
        let device = DeviceSpec::CPU.resolve().unwrap();
        of_worker(study.path(), &device).unwrap();
        assert_eq!(MixedLevels::of_study(study.path()), None);
        fs::write(study.path().join("levels").join("sse9"), "").unwrap();
        let said = MixedLevels::of_study(study.path()).unwrap().to_string();
        assert!(
            said.contains("several levels: ") && said.contains("sse9") && said.contains(level()),
            "{said}"
        );
        fs::write(study.path().join("levels").join("device-cube-cuda-cudadevice-index-0"), "").unwrap();
        let said = MixedLevels::of_study(study.path()).unwrap().to_string();
        assert!(
            said.contains("computed by several devices: ") && said.ends_with("one device for all"),
            "{said}"
        );
    }
}
