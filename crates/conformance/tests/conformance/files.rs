//! PyTorch's own files are read.

use sapwood_backend::DeviceSpec;
use sapwood_conformance::{batch, checkpoints, folder, relative_distance};
use sapwood_core::{Network, Pass};
use sapwood_models::open;

#[test]
fn state_dicts_of_every_form_are_read() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for file in checkpoints() {
        let opened = open(&folder().join(&file.file), Some(&file.model), &device).unwrap();
        let [c, h, w] = file.input;
        let input = batch("input", "labels", [file.batch, c, h, w], 1).input(&device).unwrap();
        let found: Vec<f64> = opened.net.forward(input, &mut Pass::evaluate()).into_data().iter().collect();
        let far = relative_distance(&found, &file.logits);
        assert!(far < 1e-4, "{} differs by {far:e}", file.file);
    }
}

#[test]
fn a_file_cut_short_is_an_error_that_names_it() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for file in checkpoints() {
        let bytes = std::fs::read(folder().join(&file.file)).unwrap();
        let path = scratch.path().join("cut.pt");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = open(&path, Some(&file.model), &device).unwrap_err().to_string();
        assert!(error.ends_with("cut.pt") && !error.contains('\n'), "{error}");
    }
}
