//! Which compiler makes WebAssembly here.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Problem;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// Where Debian's packages `rustc-web` and `cargo-web` lie.
const DEBIAN: [&str; 2] = ["/usr/bin/rustc", "/usr/bin/cargo"];

/// A compiler that can.
pub(super) enum Toolchain {
    /// The one in use, which has a standard library for the target.
    InUse,
    /// Debian's, which compiles the standard library from its source.
    Debian,
}

impl Toolchain {
    /// The one in use, if it has the target or rustup can fetch it; else Debian's.
    pub(super) fn choose() -> Result<Self, Problem> {
        if has_target() || fetch_target() {
            return Ok(Self::InUse);
        }
        Self::debian().map_err(|problem| {
            format!("there is no Rust for the web: `rustup target add {TARGET}` fails, and {problem}")
        })
    }

    pub(super) fn named(name: &str) -> Result<Self, Problem> {
        match name {
            "rustup" if has_target() || fetch_target() => Ok(Self::InUse),
            "rustup" => Err(format!("`rustup target add {TARGET}` fails")),
            "debian" => Self::debian(),
            _ => Err(format!("unknown toolchain `{name}`: expected `rustup` or `debian`")),
        }
    }

    fn debian() -> Result<Self, Problem> {
        let source = output("/usr/bin/rustc", &["--print", "sysroot"])
            .is_some_and(|root| Path::new(&root).join("lib/rustlib/src/rust/library").is_dir());
        let linker = output("wasm-ld", &["--version"]).is_some();
        match DEBIAN.iter().all(|program| Path::new(program).exists()) && source && linker {
            true => Ok(Self::Debian),
            false => {
                Err("Debian's packages rustc-web, cargo-web, rust-web-src and lld are not all there".into())
            }
        }
    }

    /// Cargo with the compiler, ready for arguments of `rustc`.
    pub(super) fn cargo(&self) -> Command {
        let mut command = match self {
            Self::InUse => Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            Self::Debian => {
                let mut command = Command::new(DEBIAN[1]);
                command.env("RUSTC", DEBIAN[0]).env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
                command
            }
        };
        command.args(["rustc", "--target", TARGET]);
        if matches!(self, Self::Debian) {
            command.args(["-Z", "build-std=std,panic_abort"]);
        }
        command
    }
}

/// Whether the compiler in use has a standard library for the target.
fn has_target() -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    output(&rustc, &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|folder| PathBuf::from(folder).is_dir())
}

fn fetch_target() -> bool {
    let fetching = Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).status();
    fetching.is_ok_and(|status| status.success())
}

/// What a program says, if it is there and succeeds.
pub(super) fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
