//! By which instructions a run was computed, and whether a study's runs were computed alike.
//!
//! The last digits of a result follow from the level. It is no part of what decides a run, so it
//! stands in files beside those that are the same everywhere.

use std::{collections::BTreeSet, fmt, fs, io::ErrorKind, path::Path};

use burn::prelude::Device;
use sapwood_core::write_atomic;

use crate::Error;

/// Levels that have met.
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
            Self::Run { before, now } => {
                write!(f, "this run was begun at level {before} and goes on at {now}")?;
            }
            Self::Study { levels } => {
                write!(f, "the runs of this study are computed at several levels: {}", levels.join(", "))?;
            }
        }
        f.write_str("; last digits depend on it: pin one level for all")
    }
}

/// Writes down at which level a run is computed, if that is one of the CPU's.
pub(crate) fn of_run(folder: &Path, device: &Device) -> Result<Option<MixedLevels>, Error> {
    let Some(now) = sapwood_backend::level_of(device) else { return Ok(None) };
    let path = folder.join("level.txt");
    let before = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(Error::file("read", &path))?.trim().to_string(),
    };
    if before.split(' ').any(|level| level == now) {
        return Ok(None);
    }
    let text = if before.is_empty() { now.into() } else { format!("{before} {now}") };
    write_atomic(&path, format!("{text}\n").as_bytes())?;
    Ok((!before.is_empty()).then(|| MixedLevels::Run { before, now: now.into() }))
}

/// Writes down that a worker of a study computes on this device.
pub(crate) fn of_worker(study: &Path, device: &Device) -> Result<(), Error> {
    let Some(level) = sapwood_backend::level_of(device) else { return Ok(()) };
    let folder = study.join("levels");
    fs::create_dir_all(&folder).map_err(Error::file("make the folder", &folder))?;
    let path = folder.join(level);
    match path.exists() {
        true => Ok(()),
        false => Ok(write_atomic(&path, b"")?),
    }
}

impl MixedLevels {
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
    }
}
