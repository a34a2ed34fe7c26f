//! `outside`: the plug-in example as a crate outside of this workspace has it. What compiles only within
//! (a dependency that another member turns on, something that is not public) fails there.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::cargo::cargo_with;

/// The example that brings a criterion of its own to the command line.
const EXAMPLE: &str = "custom-criterion";

/// Checks the example in a workspace of its own, in a folder of the system's.
pub(crate) fn compiles() -> bool {
    let folder = env::temp_dir().join(format!("sapwood-outside-{}", std::process::id()));
    let passed = match lay_out(&folder) {
        Ok(()) => check(&folder),
        Err(error) => {
            eprintln!("error: cannot write a workspace: {error}: {}", folder.display());
            false
        }
    };
    // What cannot be removed is in the system's folder for such things.
    let _ = fs::remove_dir_all(&folder);
    passed
}

fn check(folder: &Path) -> bool {
    let manifest = folder.join("Cargo.toml");
    // The same target folder, so that nothing is compiled twice that is the same.
    let target = env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.to_path_buf()));
    let variables: Vec<_> = target.iter().map(|target| ("CARGO_TARGET_DIR", target.into())).collect();
    cargo_with(
        ["check", "--offline", "--all-targets", "--manifest-path", &manifest.to_string_lossy()],
        &variables,
    )
}

/// Writes a workspace with this one's versions and profiles, of which the example is the only member.
fn lay_out(folder: &Path) -> io::Result<()> {
    let inside: PathBuf = [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect();
    let inside = inside.canonicalize()?;
    let root = fs::read_to_string(inside.join("Cargo.toml"))?;
    let example = inside.join("examples").join(EXAMPLE);
    copy(&example, &folder.join(EXAMPLE))?;
    let manifest = fs::read_to_string(example.join("Cargo.toml"))?;
    fs::write(folder.join(EXAMPLE).join("Cargo.toml"), with_paths_to(&manifest, "../../", &inside))?;
    let members = format!("members = [\"{EXAMPLE}\"]");
    let alone = root.lines().map(|line| if line.starts_with("members = ") { members.as_str() } else { line });
    let alone = alone.collect::<Vec<_>>().join("\n") + "\n";
    fs::write(folder.join("Cargo.toml"), with_paths_to(&alone, "", &inside))?;
    fs::copy(inside.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// A manifest whose paths into `crates`, which begin so, lead to those of this workspace.
fn with_paths_to(manifest: &str, before: &str, inside: &Path) -> String {
    let crates = inside.join("crates").to_string_lossy().replace('\\', "/");
    manifest.replace(&format!("path = \"{before}crates/"), &format!("path = \"{crates}/"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), to).map(drop)?,
        }
    }
    Ok(())
}
