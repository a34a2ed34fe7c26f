//! The suite that every device is tested with, in a browser.

// JavaScript reaches what no Rust does.
#![allow(unreachable_pub)]

use sapwood_backend::DeviceSpec;
use sapwood_conformance::{CHECKS, Findings, On, Workload};
use serde_json::json;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// The names of the checks, as JSON.
#[wasm_bindgen]
pub fn conformance_checks() -> String {
    json!(CHECKS.iter().map(|check| check.name).collect::<Vec<_>>()).to_string()
}

/// Runs one check on `cpu` or `webgpu`, with the `smallest`, `quick` or `full` workload, and tells as JSON
/// what is wrong, what else was noted, and how many comparisons there were.
#[wasm_bindgen]
pub async fn conformance_check(device: String, workload: String, name: String) -> Result<String, JsError> {
    let spec: DeviceSpec = device.parse()?;
    let unknown =
        || JsError::new(&format!("expected the workload smallest, quick or full, found `{workload}`"));
    let workload = Workload::named(&workload).ok_or_else(unknown)?;
    let check = CHECKS.iter().find(|check| check.name == name);
    let check = check.ok_or_else(|| JsError::new(&format!("there is no check `{name}`")))?;
    let on = On::new(spec, workload).await?;
    let mut found = Findings::default();
    if let Err(error) = (check.run)(&on, &mut found).await {
        found.wrong.push(error.to_string());
    }
    let Findings { wrong, notes, used, compared } = found;
    Ok(json!({ "wrong": wrong, "notes": notes, "used": used, "compared": compared }).to_string())
}
