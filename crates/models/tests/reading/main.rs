//! Weight files as people have them: names, masks and keys.

mod layouts;
mod masks;
mod transformers;

use std::{collections::BTreeMap, error::Error as _};

use safetensors::{Dtype, serialize, tensor::TensorView};
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{Array, Bits, Masks, ModuleState, State};
use sapwood_models::{Init, Note, Opened, Reading, Shortcut, Spec, Zeros, pack};

/// Tensors of a file that is being made: their types, shapes and bytes.
#[derive(Clone, Default)]
struct Tensors(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    fn put(&mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) {
        self.0.insert(name.into(), (dtype, shape.to_vec(), bytes));
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.put(name, Dtype::F32, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect());
    }

    fn of(state: &State) -> Self {
        let mut tensors = Self::default();
        for (path, value) in &state.0 {
            tensors.floats(path.as_str(), value.shape(), value.as_slice().unwrap());
        }
        tensors
    }

    /// Under other names.
    fn named(&self, name: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|(old, tensor)| (name(old), tensor.clone())).collect())
    }

    fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let view = |(dtype, shape, bytes): &(Dtype, Vec<usize>, Vec<u8>)| {
            TensorView::new(*dtype, shape.clone(), bytes.clone().leak()).unwrap()
        };
        serialize(self.0.iter().map(|(name, tensor)| (name, view(tensor))), None).unwrap()
    }

    fn open(&self, reading: &Reading) -> Result<Opened, String> {
        let device = DeviceSpec::CPU.resolve().unwrap();
        reading.open_bytes(&self.bytes(), "x.safetensors", &device).map_err(|error| error.to_string())
    }
}

fn small() -> Spec {
    Spec { width: 0.1, ..Spec::named("lenet-300-100").unwrap() }
}

fn state(spec: &Spec, seed: u64) -> State {
    let device = DeviceSpec::CPU.resolve().unwrap();
    block_on(State::read(&Init::default().apply(spec.net(&device).unwrap(), Seed(seed)))).unwrap()
}

fn read(opened: &Opened) -> State {
    block_on(State::read(&opened.net)).unwrap()
}

fn lenet() -> Reading {
    Reading::of(Some("lenet-300-100"))
}

/// Every third weight is kept.
fn third(len: usize) -> Vec<bool> {
    (0..len).map(|index| index % 3 == 0).collect()
}

fn masked(state: &State, path: &str) -> Array {
    let value = &state.0[path];
    let kept = value.iter::<f32>().zip(third(value.len())).map(|(x, keep)| if keep { x } else { 0.0 });
    Array::new(value.shape(), kept.collect::<Vec<f32>>()).unwrap()
}

#[test]
fn a_file_of_ours_is_that_of_its_network_by_any_of_its_names() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = Spec { width: 0.05, ..Spec::named("resnet18").unwrap() };
    let file = pack(&spec, None, state(&spec, 1), Masks::new()).unwrap().to_bytes().unwrap();
    let open = |model| Reading::of(Some(model)).open_bytes(&file, "x.safetensors", &device);
    assert_eq!(open("resnet18").unwrap().spec, spec);
    let error = open("resnet34").unwrap_err().to_string();
    assert!(error.contains("`resnet-18`"), "{error}");
}

#[test]
fn what_another_said_of_a_file_is_the_source_of_the_error() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let error = lenet().open("nowhere/x.safetensors".as_ref(), &device).unwrap_err();
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>()).unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    let cut = &Tensors::of(&state(&small(), 1)).bytes()[..100];
    let error = lenet().open_bytes(cut, "x.safetensors", &device).unwrap_err();
    let below =
        error.source().and_then(|source| source.downcast_ref::<sapwood_core::graph::Error>()).unwrap();
    assert!(below.source().is_some_and(|source| source.is::<safetensors::SafeTensorError>()), "{below:?}");
}

#[test]
fn what_all_names_begin_with_is_taken_off() {
    let state = state(&small(), 1);
    for prefix in [
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "module.model.",
        "module.module.",
        "net.",
        "a.b.c.d.",
    ] {
        let opened = Tensors::of(&state).named(|name| format!("{prefix}{name}")).open(&lenet()).unwrap();
        assert_eq!(read(&opened), state, "{prefix}");
        assert_eq!(opened.notes, [], "{prefix}");
    }
}

#[test]
fn a_prefix_that_does_not_help_is_named() {
    let other =
        Tensors::of(&state(&small(), 1)).named(|name| format!("backbone.{}", name.replace("fc", "dense")));
    let error = other.open(&lenet()).unwrap_err();
    assert!(error.contains("all names begin with `backbone.`"), "{error}");
}

#[test]
fn weights_lie_below_whatever_key_beside_an_optimiser() {
    let state = state(&small(), 1);
    let momentum = |key: &str| Tensors::of(&state).named(|name| format!("{key}.{name}"));
    for key in ["net", "net_state", "weights", "params", "student", "network.module"] {
        for beside in ["optimizer.momentum", "optim", "optimizer_states.0"] {
            let file = momentum(key).with(momentum(beside));
            let opened = file.open(&lenet()).unwrap();
            assert_eq!((read(&opened), opened.notes), (state.clone(), vec![]), "{key}, {beside}");
        }
    }
    let error = momentum("optimizer").open(&lenet()).unwrap_err();
    assert!(error.contains("do not fit"), "{error}");
}

#[test]
fn averaged_weights_are_taken_where_there_are_no_others_and_said() {
    let (raw, mean) = (state(&small(), 1), state(&small(), 2));
    let below = |state: &State, key: &str| Tensors::of(state).named(|name| format!("{key}.{name}"));
    for (key, other) in [("model", "model_ema"), ("state_dict", "state_dict_ema"), ("net", "swa_net.module")]
    {
        let opened = below(&raw, key).with(below(&mean, other)).open(&lenet()).unwrap();
        assert_eq!(read(&opened), raw);
        let averaged = vec![other.split('.').next().unwrap().to_string()];
        assert_eq!(opened.notes, [Note::AveragedToo { key: key.into(), averaged }]);
        let chosen = Reading { key: Some(other.into()), ..lenet() };
        let opened = below(&raw, key).with(below(&mean, other)).open(&chosen).unwrap();
        assert_eq!((read(&opened), opened.notes), (mean.clone(), vec![]));
    }
    let mut counted = below(&mean, "ema_state_dict").with(below(&mean, "optimizer"));
    counted.put("step", Dtype::I64, &[1], vec![0; 8]);
    let opened = counted.open(&lenet()).unwrap();
    assert_eq!((read(&opened), opened.notes), (mean, vec![Note::Averaged { key: "ema_state_dict".into() }]));
}

#[test]
fn averaged_weights_by_themselves_are_known_by_their_key_or_their_counter() {
    let mean = state(&small(), 2);
    for key in ["ema_state_dict", "model_ema.module", "ema.ema_model"] {
        let opened = Tensors::of(&mean).named(|name| format!("{key}.{name}")).open(&lenet()).unwrap();
        let averaged = key.split('.').next().unwrap().to_string();
        assert_eq!((read(&opened), opened.notes), (mean.clone(), vec![Note::Averaged { key: averaged }]));
    }
    let mut file = Tensors::of(&mean).named(|name| format!("module.{name}"));
    file.put("n_averaged", Dtype::I64, &[], vec![0; 8]);
    let opened = file.open(&lenet()).unwrap();
    assert_eq!((read(&opened), opened.notes), (mean.clone(), vec![Note::Averaged { key: String::new() }]));
    let said = Note::Averaged { key: String::new() }.to_string();
    assert_eq!(said, "read the averaged weights at the top: there are no others");
    let both = file.named(|name| format!("swa.{name}")).with(Tensors::of(&state(&small(), 1)));
    let opened = both.open(&lenet()).unwrap();
    assert_eq!(read(&opened), state(&small(), 1));
    assert_eq!(opened.notes, [Note::AveragedToo { key: String::new(), averaged: vec!["swa".into()] }]);
}

#[test]
fn what_pytorch_puts_around_a_part_of_a_network_is_taken_off() {
    let spec = Spec { width: 0.05, ..Spec::named("vgg-11").unwrap() };
    let state = state(&spec, 1);
    for wrapped in ["features.module.", "features._orig_mod.", "features._fsdp_wrapped_module.module."] {
        let mut file = Tensors::of(&state).named(|name| name.replace("features.", wrapped));
        file.floats("features.module.0.total_ops", &[1], &[1.0]);
        let opened = file.open(&Reading::of(Some("vgg-11"))).unwrap();
        assert_eq!((read(&opened), opened.notes), (state.clone(), vec![]), "{wrapped}");
    }
}

#[test]
fn of_two_networks_none_is_guessed() {
    let below =
        |seed: u64, key: &str| Tensors::of(&state(&small(), seed)).named(|name| format!("{key}.{name}"));
    let error = below(1, "generator").with(below(2, "discriminator")).open(&lenet()).unwrap_err();
    assert!(error.contains("below `discriminator`, `generator`"), "{error}");
    // The same weights twice are no question.
    let opened = below(1, "model").with(below(1, "state_dict")).open(&lenet()).unwrap();
    assert_eq!(read(&opened), state(&small(), 1));
    let error = below(1, "model").open(&Reading { key: Some("ema".into()), ..lenet() }).unwrap_err();
    assert!(error.contains("nothing below `ema`: what is there lies below `model`"), "{error}");
}

#[test]
fn a_network_at_the_top_and_another_below_a_key_are_not_confused() {
    let (ours, theirs) = (state(&small(), 1), state(&small(), 2));
    let teacher = Tensors::of(&theirs).named(|name| format!("teacher.{name}"));
    let error = Tensors::of(&ours).with(teacher.clone()).open(&lenet()).unwrap_err();
    assert!(error.contains("lie at the top and below `teacher`") && error.contains("choose one"), "{error}");
    let reading = Reading { key: Some("teacher".into()), ..lenet() };
    assert_eq!(read(&Tensors::of(&ours).with(teacher).open(&reading).unwrap()), theirs);
}

#[test]
fn layers_whose_names_begin_like_an_optimisers_memory_are_layers() {
    for layer in ["grad_scaler_layer", "momentum_bn", "optimizer_net", "exp_avg_pool", "avg_fc"] {
        let mut file = Tensors::of(&state(&small(), 1));
        file.floats(&format!("{layer}.weight"), &[2], &[1.0, 2.0]);
        let error = file.open(&lenet()).unwrap_err();
        assert!(error.contains(&format!("unexpected {layer}.weight")), "{error}");
    }
    for memory in ["optimizer_state_dict.0", "optim_G.state", "exp_avg_sq", "grad_scaler", "model_ema"] {
        let mut file = Tensors::of(&state(&small(), 1));
        file.floats(&format!("{memory}.fc1"), &[2], &[1.0, 2.0]);
        assert_eq!(read(&file.open(&lenet()).unwrap()), state(&small(), 1), "{memory}");
    }
}

#[test]
fn what_is_left_out_beside_the_weights_is_said() {
    let mut file = Tensors::of(&state(&small(), 1)).named(|name| format!("model.{name}"));
    file.floats("criterion.weight", &[10], &[1.0; 10]);
    let opened = file.open(&lenet()).unwrap();
    assert_eq!(opened.notes, [Note::LeftOut { key: "model".into(), others: vec!["criterion".into()] }]);
}

#[test]
fn public_residual_networks_have_other_names_for_the_same_layers() {
    for (model, shortcut) in
        [("resnet-20", Shortcut::A), ("resnet-20", Shortcut::B), ("resnet-18-small", Shortcut::B)]
    {
        let spec = Spec { width: 0.1, shortcut, ..Spec::named(model).unwrap() };
        let state = state(&spec, 1);
        let file = Tensors::of(&state).named(|name| {
            format!("module.{}", name.replace("fc.", "linear.").replace("downsample", "shortcut"))
        });
        let opened = file.open(&Reading::of(Some(model))).unwrap();
        assert_eq!((read(&opened), opened.spec.shortcut), (state, shortcut));
    }
}

#[test]
fn parts_of_torchvisions_transformers_have_other_names_for_the_same_layers() {
    let spec = Spec { width: 1.0 / 12.0, ..Spec::named("vit-b-16").unwrap().fit([3, 32, 32], 3) };
    let state = state(&spec, 1);
    let theirs = |name: &str| {
        let name = name.replace(".in_proj.", ".in_proj_");
        name.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2.")
    };
    for file in [Tensors::of(&state), Tensors::of(&state).named(theirs)] {
        for reading in [Reading::of(Some("vit_b_16")), Reading::default()] {
            let opened = file.open(&reading).unwrap();
            assert_eq!((&opened.spec, read(&opened)), (&spec, state.clone()));
        }
    }
    let attention = "encoder.layers.encoder_layer_3.self_attention";
    let [path, masked_as] = ["in_proj.weight", "in_proj_weight"].map(|name| format!("{attention}.{name}"));
    let mut file = Tensors::of(&state).named(theirs);
    let (dtype, shape, bytes) = file.0.remove(&masked_as).unwrap();
    let kept = third(shape.iter().product());
    file.put(&format!("{masked_as}_orig"), dtype, &shape, bytes);
    file.put(
        &format!("{masked_as}_mask"),
        Dtype::BOOL,
        &shape,
        kept.iter().map(|kept| u8::from(*kept)).collect(),
    );
    let opened = file.open(&Reading::default()).unwrap();
    assert_eq!(opened.masks.keys().map(|path| path.as_str()).collect::<Vec<_>>(), [path.as_str()]);
    assert_eq!(read(&opened).0[path.as_str()], masked(&state, &path));
}

#[test]
fn of_networks_that_differ_in_their_width_the_one_at_its_usual_width_is_meant() {
    let of = |width: f64| {
        let spec = Spec { width, ..Spec::named("vit-tiny").unwrap().fit([3, 32, 32], 10) };
        Tensors::of(&state(&spec, 1)).open(&Reading::default())
    };
    // Half a vit-small, and a quarter of a vit-base.
    let opened = of(1.0).unwrap();
    assert_eq!((opened.spec.model.as_str(), opened.spec.width), ("vit-tiny", 1.0));
    assert_eq!(opened.notes, [Note::Guessed { model: "vit-tiny".into() }, Note::Heads]);
    let error = of(1.0 / 3.0).unwrap_err();
    assert!(error.contains("fit vit-tiny and vit-small and vit-base"), "{error}");
}

#[test]
fn layers_are_renamed_on_request() {
    let state = state(&small(), 1);
    let file = Tensors::of(&state)
        .named(|name| format!("model.{}", name.replace("fc3", "head").replace("fc1", "stem.0")));
    let error = file.open(&lenet()).unwrap_err();
    assert!(
        error.contains("missing fc1.weight, fc1.bias") && error.contains("unexpected head.bias"),
        "{error}"
    );
    let renamed =
        |all: &[&str]| Reading { renames: all.iter().map(|r| r.parse().unwrap()).collect(), ..lenet() };
    assert_eq!(read(&file.open(&renamed(&["head=fc3", "stem.0=fc1"])).unwrap()), state);
    let error = file.open(&renamed(&["head=fc3", "stem.0=fc1", "tail=fc9"])).unwrap_err();
    assert!(error.contains("no name in it has `tail`"), "{error}");
    // One after the other: each sees what those before it have made.
    let swapped = ["head=tmp", "stem.0=head", "tmp=fc3", "head=fc1"];
    assert_eq!(read(&file.open(&renamed(&swapped)).unwrap()), state);
}

#[test]
fn what_cannot_be_a_weight_is_named() {
    let state = state(&small(), 1);
    for (dtype, size, expected) in [
        (Dtype::I8, 1, "`fc2.weight` is of the type i8"),
        (Dtype::F8_E4M3, 1, "`fc2.weight` is of the type F8_E4M3, which is not read: save it as float32"),
        (Dtype::I64, 8, "`fc2.weight` is of the type i64"),
    ] {
        let mut file = Tensors::of(&state);
        file.put("fc2.weight", dtype, &[10, 30], vec![0; 300 * size]);
        let error = file.open(&lenet()).unwrap_err();
        assert!(error.contains(expected), "{error}");
        // What the network does not need may have any type.
        let mut file = Tensors::of(&state).named(|name| format!("model.{name}"));
        file.put("table", dtype, &[10, 30], vec![0; 300 * size]);
        assert_eq!(read(&file.open(&lenet()).unwrap()), state);
    }
}

#[test]
fn the_only_network_that_fits_is_found_and_said() {
    for (model, width) in [("lenet-300-100", 0.1), ("resnet-20", 0.25), ("resnet-18", 0.1), ("vgg-13", 0.05)]
    {
        let spec = Spec { width, ..Spec::named(model).unwrap() };
        let state = state(&spec, 1);
        let file = Tensors::of(&state).named(|name| format!("module.{name}"));
        let opened = file.open(&Reading::default()).unwrap();
        assert_eq!((opened.spec.model.as_str(), read(&opened)), (model, state));
        assert_eq!(opened.notes, [Note::Guessed { model: model.into() }]);
        let error = file.open(&Reading::of(Some("conv-2"))).unwrap_err();
        assert!(error.contains(&format!("those of `{model}`, not of `conv-2`")), "{error}");
    }
}

#[test]
fn a_layer_that_is_missing_is_what_is_said() {
    let spec = Spec { width: 0.1, classes: 2, ..Spec::named("resnet-18").unwrap() };
    let mut file = Tensors::of(&state(&spec, 1));
    file.0.remove("fc.weight");
    for reading in [Reading::of(Some("resnet-18")), Reading::default()] {
        let error = file.open(&reading).unwrap_err();
        assert!(error.contains("missing fc.weight") && !error.contains("should be"), "{error}");
    }
    file.0.remove("fc.bias");
    let error = file.open(&Reading::of(Some("resnet-18"))).unwrap_err();
    assert!(error.contains("missing fc.weight, fc.bias:"), "{error}");
}

#[test]
fn values_that_are_not_finite_are_refused() {
    let spec = Spec { width: 0.25, ..Spec::named("resnet-20").unwrap() };
    for (name, value, expected) in [
        ("layer2.0.bn1.running_var", f32::NAN, "`layer2.0.bn1.running_var` is not finite (1 of 8)"),
        ("fc.weight", f32::INFINITY, "`fc.weight` is not finite (1 of 160)"),
        ("bn1.running_var", -1.0, "`bn1.running_var` is negative (1 of 4)"),
    ] {
        let mut file = Tensors::of(&state(&spec, 1));
        file.0.get_mut(name).unwrap().2[..4].copy_from_slice(&value.to_le_bytes());
        for reading in [Reading::of(Some("resnet-20")), Reading::default()] {
            let error = file.open(&reading).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn zeros_without_masks_are_counted_and_become_masks_on_request() {
    let mut state = state(&small(), 1);
    for path in ["fc1.weight", "fc2.weight"] {
        let pruned = masked(&state, path);
        state.0.insert(path.into(), pruned);
    }
    let file = Tensors::of(&state);
    let opened = file.open(&lenet()).unwrap();
    assert!(opened.masks.is_empty());
    assert_eq!((opened.zeros.zeros(), opened.zeros.of), (15680 + 200, 23520 + 300 + 100));
    let opened = file.open(&Reading { zeros: Zeros::Masked, ..lenet() }).unwrap();
    assert!(opened.zeros.is_empty());
    assert_eq!(opened.masks.values().map(Bits::count_ones).collect::<Vec<_>>(), [7840, 100, 100]);
    let dense = Tensors::of(&self::state(&small(), 1));
    let error = dense.open(&Reading { zeros: Zeros::Masked, ..lenet() }).unwrap_err();
    assert!(error.contains("there is nothing to keep"), "{error}");
}

#[test]
fn a_file_of_many_dots_is_read_in_little_time_and_memory() {
    let mut file = Tensors::default();
    file.floats(&"a.".repeat(100_000), &[1], &[1.0]);
    assert!(file.open(&lenet()).is_err());
}
