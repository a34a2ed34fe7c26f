//! `ci`: what can be said of the code without running it, cheapest first. The
//! layer test is an ordinary test, run here by name so that it fails early.

use std::{ffi::OsString, process::ExitCode};

use crate::cargo::cargo;

pub(crate) fn run(_args: &[OsString]) -> ExitCode {
    let steps: [&[&str]; 4] = [
        &["fmt", "--all", "--check"],
        &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"],
        &["doc", "--workspace", "--no-deps", "--config", "build.rustdocflags=['--deny=warnings']"],
        &["test", "--package", "xtask", "--test", "tidy"],
    ];
    match steps.iter().all(|step| cargo(*step)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
