//! PyTorch's own files are read.

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_conformance::{batch, checkpoints, folder, onnx_files, relative_distance};
use sapwood_core::{ModuleState, Network, Pass, State};
use sapwood_models::{open, open_bytes, to_onnx};

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

#[test]
fn onnx_files_compute_what_onnx_runtime_does_and_come_back_from_an_export() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for file in onnx_files() {
        let opened = open(&folder().join(&file.file), None, &device).unwrap();
        let [c, h, w] = file.input;
        let input = || batch("input", "labels", [file.batch, c, h, w], 1).input(&device).unwrap();
        let logits = |net: &sapwood_models::Net| -> Vec<f64> {
            net.forward(input(), &mut Pass::evaluate()).into_data().iter().collect()
        };
        let far = relative_distance(&logits(&opened.net), &file.logits);
        assert!(far < 1e-5, "{} differs by {far:e}", file.file);

        let graph = opened.spec.graph().unwrap();
        let names: Vec<&str> = graph
            .nodes()
            .iter()
            .filter(|node| node.op.has_weights())
            .map(|node| node.name.as_str())
            .collect();
        assert_eq!(names, file.layers, "{}", file.file);

        let state = block_on(State::read(&opened.net)).unwrap();
        let bytes = to_onnx(&opened.spec, None, &state, 18).unwrap();
        let again = open_bytes(&bytes, "again.onnx", None, &device).unwrap();
        assert_eq!(again.spec, opened.spec);
        assert_eq!(logits(&again.net), logits(&opened.net));
    }
}
