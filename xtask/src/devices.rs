//! The conformance suite on other devices than the CPU.
//!
//! The GPU backends take long to compile, and they must not be part of the
//! ordinary build: they have a target folder of their own beside the ordinary one.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::cargo::cargo_with;

/// What is tested without a GPU: the old CPU backend, and Vulkan by a driver in
/// software.
const FEATURES: &str = "ndarray,vulkan";

/// Where Debian's package `chromium` has its Vulkan driver in software.
const SOFTWARE_DRIVER: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";

/// Runs the suite if its build is there already, else says why not.
pub(crate) fn those_that_are_warm() -> bool {
    if fs::read_to_string(stamp()).is_ok_and(|built| built == dependencies()) {
        return all();
    }
    println!(
        "other devices: not tested, for they are not built with these dependencies: \
         `cargo xtask test --all-devices` does that, and takes about an hour the first time"
    );
    true
}

/// Runs the suite on all that can be tested without a GPU.
pub(crate) fn all() -> bool {
    let driver = env::var_os("VK_DRIVER_FILES").is_some() || Path::new(SOFTWARE_DRIVER).exists();
    if !driver {
        println!(
            "vulkan: not tested, there is no driver: set VK_DRIVER_FILES, or install Debian's packages chromium \
             and libvulkan1"
        );
    }
    let passed = suite(FEATURES, if driver { "ndarray,vulkan" } else { "ndarray" });
    if passed {
        // Only a hint for the next time: where it cannot be written, nothing is lost.
        let _ = fs::write(stamp(), dependencies());
    }
    passed
}

/// Runs the suite on one device.
pub(crate) fn one(device: &str) -> bool {
    match device.split(':').next() {
        Some("cpu") => {
            cargo_with(["test", "--package", "sapwood-conformance"], &[("SAPWOOD_DEVICES", device.into())])
        }
        Some("ndarray" | "vulkan") => suite(FEATURES, device),
        Some(api) => suite(api, device),
        None => false,
    }
}

fn suite(features: &str, devices: &str) -> bool {
    let mut variables =
        vec![("CARGO_TARGET_DIR", target().into_os_string()), ("SAPWOOD_DEVICES", devices.into())];
    if env::var_os("VK_DRIVER_FILES").is_none() && Path::new(SOFTWARE_DRIVER).exists() {
        variables.push(("VK_DRIVER_FILES", SOFTWARE_DRIVER.into()));
    }
    cargo_with(
        ["test", "--package", "sapwood-conformance", "--features", features, "--test", "conformance"],
        &variables,
    )
}

/// The folder beside the ordinary target folder: this program runs from
/// `TARGET/debug`.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let ordinary = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    let mut name = ordinary.file_name().unwrap_or_default().to_os_string();
    name.push("-devices");
    ordinary.with_file_name(name)
}

/// What tells that the suite was built, and with which dependencies.
fn stamp() -> PathBuf {
    target().join("built-with")
}

fn dependencies() -> String {
    ["Cargo.toml", "Cargo.lock"].map(|file| fs::read_to_string(file).unwrap_or_default()).concat()
}
