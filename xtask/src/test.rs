//! `test`: all tests on the CPU, then the conformance suite on what other devices
//! and browsers can be tested here without waiting for a long build.

use std::{ffi::OsString, process::ExitCode};

use crate::{
    cargo::cargo,
    devices,
    parts::{Kind, Parts},
    sanitizer, web,
};

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let mut parts = Parts::default();
    let passed = match args[..] {
        [] => {
            everything(&mut parts)
                && parts.run("other devices", Kind::Both, devices::those_that_are_warm)
                && parts.run("browser", Kind::Both, web::those_that_are_warm)
        }
        ["--all-devices"] => {
            everything(&mut parts)
                && parts.run("other devices", Kind::Both, devices::all)
                && parts.run("browser", Kind::Both, web::all)
        }
        ["--device", device] => devices::one(device),
        ["--sanitizer", "address"] => sanitizer::address(),
        _ => {
            eprintln!(
                "error: expected `test`, `test --device DEVICE`, `test --all-devices` or `test --sanitizer address`"
            );
            return ExitCode::from(2);
        }
    };
    if !parts.is_empty() {
        eprint!("{}", parts.table());
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What `cargo test --workspace` does, in parts.
fn everything(parts: &mut Parts) -> bool {
    let mut step = |name, kind, args: &[&str]| {
        parts.run(name, kind, || cargo([&["test", "--workspace"], args].concat()))
    };
    step("tests", Kind::Compile, &["--no-run"])
        && step("tests", Kind::Run, &["--tests"])
        && step("documentation", Kind::Both, &["--doc"])
}
