//! `test --sanitizer address`: the tests of the only unsafe code, with the bounds of every access to
//! memory checked. Reads of what was never written it does not see.

use crate::cargo::cargo_with;

/// The triple of the machine: with a target named, build scripts and macros, which run on it too,
/// are compiled without the sanitizer.
const TARGET: Option<&str> =
    match (cfg!(target_os = "linux"), cfg!(target_arch = "x86_64"), cfg!(target_arch = "aarch64")) {
        (true, true, _) => Some("x86_64-unknown-linux-gnu"),
        (true, _, true) => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    };

/// Tests the kernels under AddressSanitizer. The flag is not stable yet; the sanitizer itself comes
/// with every toolchain for Linux.
pub(crate) fn address() -> bool {
    let Some(target) = TARGET else {
        eprintln!("error: sanitizers are there on Linux, on x86-64 and 64-bit Arm");
        return false;
    };
    let variables = [("RUSTC_BOOTSTRAP", "1".into()), ("RUSTFLAGS", "-Zsanitizer=address".into())];
    cargo_with(["test", "--package", "sapwood-kernels", "--lib", "--target", target], &variables)
}
