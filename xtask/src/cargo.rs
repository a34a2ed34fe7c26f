//! Calling cargo.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
};

/// Runs cargo with these arguments and tells whether it succeeded.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> bool {
    code(args, &[]) == Some(0)
}

/// The same with environment variables.
pub(crate) fn cargo_with<S: AsRef<OsStr>>(
    args: impl IntoIterator<Item = S>,
    variables: &[(&str, OsString)],
) -> bool {
    code(args, variables) == Some(0)
}

/// Runs cargo and tells its exit code, which is that of the program that it ran.
pub(crate) fn code<S: AsRef<OsStr>>(
    args: impl IntoIterator<Item = S>,
    variables: &[(&str, OsString)],
) -> Option<i32> {
    let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_os_string()).collect();
    let shown = variables.iter().map(|(name, value)| format!("{name}={} ", value.to_string_lossy()));
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    eprintln!("$ {}cargo {}", shown.collect::<String>(), words.join(" "));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_this_package(name)) {
        command.env_remove(name);
    }
    match command.args(&args).envs(variables.iter().cloned()).status() {
        Ok(status) => status.code(),
        Err(error) => {
            eprintln!("error: cannot start cargo: {error}");
            None
        }
    }
}

/// Whether cargo set this variable to tell `xtask` of its own package. Build scripts that
/// watch these would run again, and all that depends on them would be compiled anew, each
/// time that cargo is called by hand after `xtask` or by `xtask` after a hand.
fn is_of_this_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}
