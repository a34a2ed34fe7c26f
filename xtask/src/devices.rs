//! The conformance suite on other devices than the CPU.
//!
//! The GPU backends take long to compile, and they must not be part of the
//! ordinary build: they have a target folder of their own beside the ordinary one.

mod driver;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::cargo::cargo_with;
use driver::Driver;

/// Runs the suite if its build is there already, else says why not.
pub(crate) fn those_that_are_warm() -> bool {
    let driver = Driver::find();
    if fs::read_to_string(stamp()).is_ok_and(|built| built == built_with(driver.as_ref())) {
        return all();
    }
    println!(
        "other devices: not tested, for they are not built with these dependencies: \
         `cargo xtask test --all-devices` does that, and takes about an hour the first time"
    );
    true
}

/// Runs the suite on all that can be tested without a GPU: the old CPU backend, and Vulkan.
pub(crate) fn all() -> bool {
    let driver = Driver::find();
    if driver.is_none() {
        println!("vulkan: not tested, there is no driver: {}", Driver::MISSING);
    }
    let devices = if driver.is_some() { "ndarray,vulkan" } else { "ndarray" };
    let passed = suite(&features(driver.as_ref()), devices, driver.as_ref());
    if passed {
        // Only a hint for the next time: where it cannot be written, nothing is lost.
        let _ = fs::write(stamp(), built_with(driver.as_ref()));
    }
    passed
}

/// Runs the suite on one device.
pub(crate) fn one(device: &str) -> bool {
    let driver = Driver::find();
    match device.split(':').next() {
        Some("cpu") => {
            cargo_with(["test", "--package", "sapwood-conformance"], &[("SAPWOOD_DEVICES", device.into())])
        }
        Some("vulkan" | "webgpu") if driver.is_none() => {
            eprintln!("error: there is no driver for Vulkan: {}", Driver::MISSING);
            false
        }
        Some("ndarray" | "vulkan") => suite(&features(driver.as_ref()), device, driver.as_ref()),
        Some(api) => suite(api, device, driver.as_ref()),
        None => false,
    }
}

/// The backends of one build for all that is tested without a GPU.
fn features(driver: Option<&Driver>) -> String {
    format!("ndarray,{}", driver.map_or("webgpu", Driver::feature))
}

fn suite(features: &str, devices: &str, driver: Option<&Driver>) -> bool {
    let mut variables =
        vec![("CARGO_TARGET_DIR", target().into_os_string()), ("SAPWOOD_DEVICES", devices.into())];
    if let Some(Driver::Software) = driver {
        variables.push(("VK_DRIVER_FILES", driver::SOFTWARE.into()));
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

/// What tells that the suite was built, and with what.
fn stamp() -> PathBuf {
    target().join("built-with")
}

fn built_with(driver: Option<&Driver>) -> String {
    features(driver) + "\n" + &dependencies()
}

/// What decides whether a build is still good.
pub(crate) fn dependencies() -> String {
    ["Cargo.toml", "Cargo.lock"].map(|file| fs::read_to_string(file).unwrap_or_default()).concat()
}
