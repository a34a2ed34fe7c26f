//! `cargo xtask`: the command line, and the project's own chores beside it.

mod bench;
mod cargo;
mod ci;
mod devices;
mod outside;
mod parts;
mod sanitizer;
mod test;
mod web;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

/// A chore: its name, what it does, and the doing.
type Chore = (&'static str, &'static str, fn(&[OsString]) -> ExitCode);

const CHORES: &[Chore] = &[
    ("ci", "Check format, lints, documentation and layers", |args| alone(args, ci::passes)),
    ("test", "Run all tests (--device D, --all-devices), or the kernels' (--sanitizer address)", test::run),
    ("outside", "Compile the plug-in example outside of this workspace", |args| {
        alone(args, outside::compiles)
    }),
    ("web", "The page for browsers: web build|serve|test", web::run),
    (
        "bench",
        "Time this project beside its peers: bench train|infer|score|masking|supernet|growth|levels|outside",
        bench::run,
    ),
];

/// Does what takes no arguments.
fn alone(args: &[OsString], passes: fn() -> bool) -> ExitCode {
    match args {
        [] if passes() => ExitCode::SUCCESS,
        [] => ExitCode::FAILURE,
        [first, ..] => {
            eprintln!("error: unexpected `{}`: this chore takes no arguments", first.to_string_lossy());
            ExitCode::from(2)
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().collect();
    let first = args.get(1).and_then(|arg| arg.to_str());
    if let Some((.., chore)) = CHORES.iter().find(|chore| first == Some(chore.0)) {
        return chore(&args[2..]);
    }
    let code = sapwood_cli::main(args.iter().cloned());
    if matches!(first, Some("help" | "--help" | "-h")) {
        let rows = CHORES.iter().map(|(name, about, _)| format!("  {name:<9} {about}\n"));
        // A reader that has gone away has heard enough.
        let _ = write!(io::stdout(), "\nChores of the project:\n{}", rows.collect::<String>());
    }
    code
}
