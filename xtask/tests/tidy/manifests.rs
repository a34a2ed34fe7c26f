//! What the manifests say.

use std::{collections::BTreeMap, env, process::Command};

use serde::Deserialize;

use crate::{none_of, read, root};

/// A member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    /// The registries that it may go to; none is all of them.
    pub(crate) publish: Option<Vec<String>>,
}

/// A dependency as its manifest states it.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build` or none.
    pub(crate) kind: Option<String>,
    /// Its folder, if it is not a registry's.
    pub(crate) path: Option<String>,
    /// The versions that will do; `*` where none is named.
    pub(crate) req: String,
    pub(crate) features: Vec<String>,
    pub(crate) uses_default_features: bool,
}

/// All members of the workspace.
pub(crate) fn members() -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

/// Features of Burn that bring a backend, and ours of the same names.
const BACKENDS: &[&str] = &[
    "flex", "ndarray", "vulkan", "metal", "webgpu", "wgpu", "cuda", "rocm", "cpu", "candle", "tch", "default",
];

/// The one crate whose purpose is to turn the CPU on, for all that are run.
const UNIFY: &str = "sapwood-unify";

/// The page, a program that cannot use it: no browser has the crates whose features it sets.
const PAGE: &str = "sapwood-web";

#[test]
fn no_library_turns_a_backend_of_burn_on() {
    let mut problems = Vec::new();
    for package in members().iter().filter(|package| ![UNIFY, PAGE].contains(&package.name.as_str())) {
        for dependency in &package.dependencies {
            let brings = dependency.name.starts_with("burn") || dependency.name == "sapwood-backend";
            let on: Vec<_> = dependency.features.iter().filter(|f| BACKENDS.contains(&f.as_str())).collect();
            if brings && !on.is_empty() {
                problems.push(format!("{} asks {} for {on:?}", package.name, dependency.name));
            }
            if dependency.name.starts_with("burn") && dependency.uses_default_features {
                problems.push(format!("{} asks {} for its defaults", package.name, dependency.name));
            }
        }
        for feature in package.features.get("default").into_iter().flatten() {
            problems.push(format!("{} turns {feature} on by default", package.name));
        }
    }
    none_of(&problems);
}

#[test]
fn every_member_inherits_lints_and_is_tested_with_the_cpu() {
    let mut problems = Vec::new();
    for package in members() {
        if !read(&package.manifest_path).contains("\n[lints]\nworkspace = true\n") {
            problems.push(format!("{} has no `[lints] workspace = true`", package.name));
        }
        let uses = |name: &str| package.dependencies.iter().any(|dependency| dependency.name == name);
        if uses("burn") && package.name != "sapwood-backend" && !uses(UNIFY) {
            problems.push(format!("{} has no {UNIFY} among its (development) dependencies", package.name));
        }
    }
    none_of(&problems);
}
