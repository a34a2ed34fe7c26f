//! `test`: all tests on the CPU, then the conformance suite on what other devices
//! and browsers can be tested here without waiting for a long build.

use std::{ffi::OsString, process::ExitCode};

use crate::{cargo::cargo, devices, sanitizer, web};

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let passed = match args[..] {
        [] => everything() && devices::those_that_are_warm() && web::those_that_are_warm(),
        ["--all-devices"] => everything() && devices::all() && web::all(),
        ["--device", device] => devices::one(device),
        ["--sanitizer", "address"] => sanitizer::address(),
        _ => {
            eprintln!(
                "error: expected `test`, `test --device DEVICE`, `test --all-devices` or `test --sanitizer address`"
            );
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn everything() -> bool {
    cargo(["test", "--workspace"])
}
