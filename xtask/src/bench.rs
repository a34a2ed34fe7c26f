//! `bench`: timings beside the peers, by the binaries of `benches/`.

use std::{ffi::OsString, process::ExitCode};

use crate::cargo;

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let Some((what, rest)) = args.split_first() else {
        eprintln!(
            "error: expected what to bench: `bench train` or `bench score` with `--against pytorch [--json]`, `bench infer --against onnxruntime [--json]`, `bench masking`, `bench supernet`, `bench growth`, `bench levels`, or `bench outside`"
        );
        return ExitCode::from(2);
    };
    let fixed = ["run", "--quiet", "--package", "sapwood-benches", "--bin"].map(OsString::from);
    let all = fixed.into_iter().chain([what.clone(), "--".into()]).chain(rest.iter().cloned());
    let code = cargo::code(all, &[]).and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}
