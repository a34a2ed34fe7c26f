//! `bench`: timings beside the peers, by the binaries of `benches/`.

use std::{ffi::OsString, process::ExitCode};

use crate::cargo::cargo;

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let Some((what, rest)) = args.split_first() else {
        eprintln!("error: expected what to bench: `bench train --against pytorch [--json]`");
        return ExitCode::from(2);
    };
    let fixed = ["run", "--quiet", "--package", "sapwood-benches", "--bin"].map(OsString::from);
    let all = fixed.into_iter().chain([what.clone(), "--".into()]).chain(rest.iter().cloned());
    if cargo(all) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
