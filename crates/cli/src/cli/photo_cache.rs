//! Where resized photographs are kept.

use std::{env, path::PathBuf};

/// The variable that names another folder, or says `off`.
const VARIABLE: &str = "SAPWOOD_CACHE";

/// The folder in the user's cache, the one that `SAPWOOD_CACHE` names, or none with
/// `SAPWOOD_CACHE=off`.
pub(super) fn folder() -> Option<PathBuf> {
    let root = match env::var_os(VARIABLE) {
        Some(value) if value == "off" => return None,
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => dirs::cache_dir()?.join("sapwood"),
    };
    Some(root.join("photos"))
}
