//! Where something is kept for the next time: photographs that were resized, and features of probes.

use std::{env, path::PathBuf};

/// The variable that names another folder, or says `off`.
const VARIABLE: &str = "SAPWOOD_CACHE";

/// The folder in the user's cache, the one that `SAPWOOD_CACHE` names, or none with
/// `SAPWOOD_CACHE=off`.
pub(super) fn folder() -> Option<PathBuf> {
    match env::var_os(VARIABLE) {
        Some(value) if value == "off" => None,
        Some(folder) if !folder.is_empty() => Some(PathBuf::from(folder)),
        _ => Some(dirs::cache_dir()?.join("sapwood")),
    }
}
