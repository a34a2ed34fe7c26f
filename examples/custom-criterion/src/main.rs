//! The whole command line, with one more criterion.

use std::{env, process::ExitCode};

use example_custom_criterion::POWER_SENSITIVITY;
use sapwood_cli::Lab;
// Turns the CPU on.
use sapwood_unify as _;

fn main() -> ExitCode {
    Lab::new().with_criterion(POWER_SENSITIVITY).main(env::args_os())
}
