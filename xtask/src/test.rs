//! `test`: all tests; on other devices, the conformance suite.

use std::{ffi::OsString, process::ExitCode};

use crate::cargo::cargo;

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let passed = match args[..] {
        [] => everything(),
        ["--all-devices"] => everything() && devices("ndarray,vulkan"),
        ["--device", device] => devices(device.split(':').next().unwrap_or(device)),
        _ => {
            eprintln!("error: expected `test`, `test --device DEVICE` or `test --all-devices`");
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn everything() -> bool {
    cargo(["test", "--workspace"])
}

fn devices(features: &str) -> bool {
    cargo(["test", "--package", "sapwood-conformance", "--features", features])
}
