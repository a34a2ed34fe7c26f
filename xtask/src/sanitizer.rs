//! `test --sanitizer`: the tests of the only unsafe code, with every access to memory checked.

use crate::cargo::cargo_with;

/// The triple of the machine: with a target named, build scripts and macros, which run on it too,
/// are compiled without the sanitizer.
const TARGET: Option<&str> =
    match (cfg!(target_os = "linux"), cfg!(target_arch = "x86_64"), cfg!(target_arch = "aarch64")) {
        (true, true, _) => Some("x86_64-unknown-linux-gnu"),
        (true, _, true) => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    };

/// Tests the kernels under a sanitizer, `address` for one. The flag is not stable yet; the
/// sanitizers themselves come with every toolchain for Linux.
pub(crate) fn kernels(sanitizer: &str) -> bool {
    let Some(target) = TARGET else {
        eprintln!("error: sanitizers are there on Linux, on x86-64 and 64-bit Arm");
        return false;
    };
    let variables =
        [("RUSTC_BOOTSTRAP", "1".into()), ("RUSTFLAGS", format!("-Zsanitizer={sanitizer}").into())];
    cargo_with(["test", "--package", "sapwood-kernels", "--lib", "--target", target], &variables)
}
