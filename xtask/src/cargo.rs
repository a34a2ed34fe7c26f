//! Calling cargo.

use std::{env, ffi::OsStr, process::Command};

/// Runs cargo with these arguments and tells whether it succeeded.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> bool {
    let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_os_string()).collect();
    let shown: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    eprintln!("$ cargo {}", shown.join(" "));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match Command::new(cargo).args(&args).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("error: cannot start cargo: {error}");
            false
        }
    }
}
