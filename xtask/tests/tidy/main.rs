//! The rules of the house that a compiler does not know, as tests.
//!
//! They read the workspace as it lies on the disk: sources, manifests and
//! documents. `cargo xtask ci` runs them before anything slow.

mod documents;
mod layers;
mod manifests;
mod messages;
mod sources;
mod web;

use std::{fs, path::Path, path::PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A file of the workspace as text.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below these folders whose names end so, by path within the workspace.
fn files(folders: &[&str], ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if name != "target" && !name.starts_with('.') => open.push(path),
                false if name.ends_with(ending) => {
                    found.push(path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Fails with a list of what is wrong.
fn none_of(problems: &[String]) {
    assert!(problems.is_empty(), "\n  {}\n", problems.join("\n  "));
}
