//! The command line in a process of its own: this very test binary, started again
//! with the arguments in its environment. No other binary has to be built, and a
//! panic, an abort or a second line on the standard error shows.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode, Stdio, exit},
};

/// The arguments of the command line, as a JSON list.
const ARGS: &str = "SAPWOOD_TEST_ARGS";
/// What the test harness writes before a test.
const PREAMBLE: &str = "\nrunning 1 test\n";

/// What a command left.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// In the second process, the command line; in the first, nothing.
#[test]
fn the_command_line() {
    let Ok(args) = env::var(ARGS) else { return };
    let args: Vec<String> = serde_json::from_str(&args).unwrap();
    let args = ["sapwood".to_string()].into_iter().chain(args).map(Into::into);
    match sapwood_cli::main(args) {
        ExitCode::SUCCESS => exit(0),
        code if code == ExitCode::from(2) => exit(2),
        code => panic!("the exit code should be 0 or 2: {code:?}"),
    }
}

/// A command that is ready to be started, in a folder.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let this = format!("{}::the_command_line", module_path!().split_once("::").unwrap().1);
    command.args(["--exact", &this, "--nocapture", "--quiet"]);
    command.env(ARGS, serde_json::to_string(args).unwrap());
    // Nothing outside of its folder.
    command.env("SAPWOOD_CACHE", "off");
    command.env_remove("RUST_LOG");
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Outcome {
    finish(&mut command(folder, args))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let out = out.strip_prefix(PREAMBLE).unwrap_or(&out).to_string();
    Outcome { code: output.status.code(), out, err: String::from_utf8(output.stderr).unwrap() }
}
