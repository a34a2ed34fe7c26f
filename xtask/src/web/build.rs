//! The folder with the page: the module, what wasm-bindgen writes beside it, and `web/page`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Problem,
    toolchain::{TARGET, Toolchain},
};

/// What the module has beside the page's functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Nothing.
    Page,
    /// The suite that every device is tested with.
    Conformance,
}

/// The folder of a variant, in the target folder: this program runs from `TARGET/debug`.
pub(super) fn site(variant: Variant) -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    target.join(match variant {
        Variant::Page => "site",
        Variant::Conformance => "site-conformance",
    })
}

/// Builds a variant and tells its folder, which is whole or what it was before.
pub(super) fn build(toolchain: &Toolchain, variant: Variant) -> Result<PathBuf, Problem> {
    let site = site(variant);
    let target = site.parent().unwrap_or(Path::new("target")).to_path_buf();
    let features = match variant {
        Variant::Page => "webgpu",
        Variant::Conformance => "webgpu,conformance",
    };
    let mut cargo = toolchain.cargo();
    cargo.args(["--package", "sapwood-web", "--profile", "web", "--features", features]);
    cargo.arg("--target-dir").arg(&target);
    // Without this export the linker lets every function that JavaScript calls run all constructors first,
    // and Burn registers its operations in thousands of them. Whoever loads the module runs them once.
    cargo.args(["--lib", "--", "-C", "link-arg=--export=__wasm_call_ctors"]);
    succeed(cargo, "the page does not compile")?;

    let made = target.join("site-in-the-making");
    remove(&made)?;
    copy("web/page", &made)?;
    let module = target.join(TARGET).join("web/sapwood_web.wasm");
    let mut bindgen = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    bindgen.args(["run", "--quiet", "--locked", "--manifest-path", "xtask/bindgen/Cargo.toml"]);
    bindgen.arg("--target-dir").arg(target.join("bindgen")).arg("--").arg(module).arg(&made);
    succeed(bindgen, "wasm-bindgen does not read the module")?;
    remove(&site)?;
    fs::rename(&made, &site).map_err(|error| format!("cannot put the page in its place: {error}"))?;
    Ok(site)
}

fn succeed(mut command: Command, problem: &str) -> Result<(), Problem> {
    let words = command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
    eprintln!("$ {} {words}", command.get_program().to_string_lossy());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{problem}, see above")),
        Err(error) => Err(format!("{problem}: {error}")),
    }
}

fn remove(folder: &Path) -> Result<(), Problem> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove the old page: {error}"))
        }
        _ => Ok(()),
    }
}

fn copy(from: impl AsRef<Path>, to: &Path) -> Result<(), Problem> {
    let failed = |error: std::io::Error| format!("cannot copy the page's files: {error}");
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target).map_err(failed)?),
        }
    }
    Ok(())
}
