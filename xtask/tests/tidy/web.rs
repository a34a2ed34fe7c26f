//! What the page needs of versions.

use crate::read;

/// The version that a manifest asks for, of a dependency that it pins to the digit.
fn pinned(manifest: &str, name: &str) -> Option<String> {
    let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = ")))?;
    Some(line.split("\"=").nth(1)?.split('"').next()?.to_string())
}

#[test]
fn what_reads_a_module_is_of_the_version_that_it_was_compiled_with() {
    let compiled = pinned(&read("Cargo.toml"), "wasm-bindgen").expect("wasm-bindgen, pinned");
    let reads = pinned(&read("xtask/bindgen/Cargo.toml"), "wasm-bindgen-cli-support");
    assert_eq!(reads.as_ref(), Some(&compiled));
    for lock in ["Cargo.lock", "xtask/bindgen/Cargo.lock"] {
        let shared = format!("name = \"wasm-bindgen-shared\"\nversion = \"{compiled}\"");
        assert!(read(lock).contains(&shared), "{lock} has another version than {compiled}");
    }
}
