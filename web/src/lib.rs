//! Sapwood in a browser: what the page asks of the libraries.

/// This crate's version, for the page's footer.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
