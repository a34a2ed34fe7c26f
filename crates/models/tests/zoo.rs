//! The zoo against its table of counts, and files against networks.

use burn::tensor::Tensor;
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{
    Array, Graph, Layout, ModuleState, Network, Observed, Op, Pass, State, Tap, absorb,
    graph::{Per, Quantized},
    infos, tensors,
};
use sapwood_models::{Init, Shortcut, Spec, infer, names, open, open_bytes, pack};

/// Model, parameters, prunable weights, multiply-accumulates: computed with
/// PyTorch.
const COUNTS: &[(&str, u64, u64, u64)] = &[
    ("lenet-300-100", 266_610, 266_200, 266_200),
    ("lenet-5", 431_080, 430_500, 2_293_000),
    ("conv-2", 4_301_642, 4_300_992, 43_780_608),
    ("conv-4", 2_425_930, 2_425_024, 98_306_560),
    ("conv-6", 2_262_602, 2_261_184, 153_881_088),
    ("vgg-11", 9_231_114, 9_222_848, 152_769_536),
    ("vgg-13", 9_416_010, 9_407_168, 228_267_008),
    ("vgg-16", 14_728_266, 14_715_584, 313_201_664),
    ("vgg-19", 20_040_522, 20_024_000, 398_136_320),
    ("resnet-20", 272_474, 270_896, 40_813_184),
    ("resnet-32", 466_906, 464_432, 69_124_736),
    ("resnet-44", 661_338, 657_968, 97_436_288),
    ("resnet-56", 855_770, 851_504, 125_747_840),
    ("resnet-110", 1_730_714, 1_722_416, 253_149_824),
    ("resnet-18", 11_689_512, 11_678_912, 1_814_073_344),
    ("resnet-34", 21_797_672, 21_779_648, 3_663_761_408),
    ("resnet-50", 25_557_032, 25_502_912, 4_089_184_256),
    ("resnet-18-small", 11_173_962, 11_164_352, 555_422_720),
    ("resnet-34-small", 21_282_122, 21_265_088, 1_159_402_496),
    ("resnet-50-small", 23_520_842, 23_467_712, 1_297_829_888),
    ("resnext-50", 25_028_904, 24_959_680, 4_230_479_872),
    ("wide-resnet-50", 68_883_240, 68_814_016, 11_398_021_120),
    ("mobilenet-v2", 3_504_872, 3_469_760, 300_774_272),
    ("mobilenet-v3-large", 5_483_032, 5_451_272, 216_589_760),
    ("mobilenet-v3-small", 2_542_856, 2_525_832, 56_510_400),
    ("densenet-121", 7_978_856, 7_894_208, 2_834_161_664),
    ("efficientnet-b0", 5_288_548, 5_236_192, 385_814_752),
    ("timm-efficientnet-b0", 5_288_548, 5_236_192, 385_814_752),
    ("tf-efficientnet-b0", 5_288_548, 5_236_192, 385_814_752),
    ("lukemelas-efficientnet-b0", 5_288_548, 5_236_192, 385_814_752),
    ("vit-tiny", 5_717_416, 5_647_872, 1_074_851_328),
    ("vit-small", 22_050_664, 21_912_576, 4_241_218_560),
    ("vit-base", 86_567_656, 86_292_480, 16_848_500_736),
    ("vit-b-16", 86_567_656, 86_292_480, 16_848_500_736),
    ("vit-small-cifar", 2_693_578, 2_665_344, 173_115_264),
];

#[test]
fn every_network_has_the_published_counts() {
    for &(name, params, weights, macs) in COUNTS {
        let spec = Spec::named(name).unwrap();
        let anatomy = spec.graph().unwrap().anatomy(spec.input).unwrap();
        assert_eq!((anatomy.params(), anatomy.weights(), anatomy.macs()), (params, weights, macs), "{name}");
    }
    let unlisted: Vec<_> = names().filter(|name| !COUNTS.iter().any(|row| row.0 == *name)).collect();
    assert_eq!(unlisted, ["life-net"]);
}

#[test]
fn public_names_are_those_of_the_zoo() {
    for (theirs, ours) in [
        ("resnet50", "resnet-50"),
        ("densenet121", "densenet-121"),
        ("tf_efficientnet_b0", "tf-efficientnet-b0"),
        ("deit_small_patch16_224", "vit-small"),
        ("vit_b_16", "vit-b-16"),
    ] {
        assert_eq!(Spec::named(theirs).unwrap(), Spec::named(ours).unwrap());
    }
}

#[test]
fn shortcut_a_has_no_parameters() {
    let spec = Spec { shortcut: Shortcut::A, ..Spec::named("resnet-20").unwrap() };
    let anatomy = spec.graph().unwrap().anatomy(spec.input).unwrap();
    assert_eq!((anatomy.params(), anatomy.weights(), anatomy.macs()), (269_722, 268_336, 40_551_040));
}

/// P(n, m) = 20m + 2m^2 + m + (n-1)(20m^2 + 3m) + m + 1.
#[test]
fn life_networks_have_the_derived_counts() {
    for (steps, m, params) in
        [(1, 1, 25), (1, 8, 305), (1, 24, 1681), (2, 1, 48), (2, 5, 676), (2, 24, 13273)]
    {
        let spec = Spec { steps, overcompleteness: m, ..Spec::named("life-net").unwrap() };
        assert_eq!(spec.graph().unwrap().anatomy(spec.input).unwrap().params(), params);
    }
}

/// A narrow network of each kind.
fn narrow() -> impl Iterator<Item = Spec> {
    names().map(|name| Spec { width: 0.125, ..Spec::named(name).unwrap().fit(small_input(name), 3) })
}

fn small_input(name: &str) -> [usize; 3] {
    match name {
        "lenet-300-100" | "lenet-5" => [1, 28, 28],
        "life-net" => [1, 8, 8],
        _ => [3, 32, 32],
    }
}

#[test]
fn the_module_has_the_parameters_of_its_anatomy() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for spec in narrow() {
        let net = spec.net(&device).unwrap();
        let anatomy = spec.graph().unwrap().anatomy(spec.input).unwrap();
        let counted = |wanted: fn(sapwood_core::Role) -> bool| -> u64 {
            infos(&net).iter().filter(|info| wanted(info.role)).map(|info| info.len() as u64).sum()
        };
        assert_eq!(counted(|role| role.is_weight()), anatomy.weights(), "{}", spec.model);
        assert_eq!(counted(|role| role != sapwood_core::Role::Buffer), anatomy.params(), "{}", spec.model);
    }
}

/// Notes the layers that it sees and the shape of their input.
#[derive(Default)]
struct Notes(Vec<(String, [usize; 4])>);

impl Tap for Notes {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        self.0.push((layer.into(), input.dims()));
        input
    }
}

#[test]
fn every_network_runs_and_shows_the_inputs_that_its_anatomy_foretells() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for spec in narrow() {
        let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
        let [c, h, w] = spec.input;
        let mut notes = Notes::default();
        let output =
            net.forward(Tensor::ones([2, c, h, w], &device), &mut Pass::evaluate().with_tap(&mut notes));
        let outputs = if spec.model == "life-net" { 64 } else { 3 };
        assert_eq!(output.dims(), [2, outputs], "{}", spec.model);
        let foretold: Vec<_> = net.graph().anatomy(spec.input).unwrap().layers;
        let foretold =
            foretold.iter().filter(|layer| ["conv", "linear"].contains(&layer.kind)).map(|layer| {
                let values = layer.input.iter().product();
                let seen = match net.graph().node(&layer.name).unwrap().op {
                    Op::Linear { inputs, places: true, .. } => [2 * values / inputs, inputs, 1, 1],
                    Op::Linear { .. } => [2, values, 1, 1],
                    _ => [2, layer.input[0], layer.input[1], layer.input[2]],
                };
                (layer.name.clone(), seen)
            });
        assert_eq!(notes.0, foretold.collect::<Vec<_>>(), "{}", spec.model);
    }
}

#[test]
fn a_network_comes_back_from_its_file_without_any_option() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for spec in narrow() {
        let net = Init::default().apply(spec.net(&device).unwrap(), Seed(3));
        let state = block_on(State::read(&net)).unwrap();
        let path = folder.path().join("w.safetensors");
        std::fs::write(
            &path,
            pack(&spec, None, state.clone(), Default::default()).unwrap().to_bytes().unwrap(),
        )
        .unwrap();
        let opened = open(&path, None, &device).unwrap();
        assert_eq!(opened.spec, spec);
        assert_eq!(block_on(State::read(&opened.net)).unwrap(), state);
    }
}

#[test]
fn options_are_read_off_foreign_weights() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for mut spec in narrow() {
        let state = block_on(State::read(&spec.net(&device).unwrap())).unwrap();
        let found = infer(&state, &spec.model).unwrap();
        // A width is known up to rounding, and only the channels of an input.
        assert!(state.compare(&found.net(&device).unwrap()).is_empty(), "{}", spec.model);
        if spec.model != "life-net" {
            assert_eq!(found.classes, spec.classes);
        }
        spec.width = found.width;
        assert_eq!(found.graph().unwrap().nodes().len(), spec.graph().unwrap().nodes().len());
    }
}

#[test]
fn weights_of_another_network_are_refused_with_all_that_differs() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut state =
        block_on(State::read(&Spec::named("lenet-300-100").unwrap().net(&device).unwrap())).unwrap();
    let bias = state.0.remove("fc1.bias").unwrap();
    state.0.insert("fc9.bias".into(), bias.clone());
    state.0.insert("fc2.bias".into(), bias);
    let net = Spec::named("lenet-300-100").unwrap().net(&device).unwrap();
    let error = state.write(net).unwrap_err().to_string();
    assert_eq!(
        error,
        "the weights do not fit the network: missing fc1.bias; unexpected fc9.bias; \
         fc2.bias should be [100] but is [300]"
    );
}

#[test]
fn running_statistics_change_only_when_absorbed() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = Spec { width: 0.25, ..Spec::named("resnet-20").unwrap() };
    let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
    let before = block_on(State::read(&net)).unwrap();
    let mut pass = Pass::train();
    net.forward(Tensor::ones([2, 3, 32, 32], &device), &mut pass);
    assert_eq!(block_on(State::read(&net)).unwrap(), before);
    let net = absorb(net, pass.into_moments());
    let changed: Vec<_> = block_on(State::read(&net))
        .unwrap()
        .0
        .into_iter()
        .filter(|(path, value)| before.0[path] != *value)
        .collect();
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|(path, _)| path.as_str().contains("running_")));
}

#[test]
fn initialisation_has_the_variance_of_its_name_and_its_own_stream_per_parameter() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let draw = |name: &str, seed| {
        let net = Spec::named("lenet-300-100").unwrap().net(&device).unwrap();
        let net = Init::named(name).unwrap().apply(net, Seed(seed));
        let first = tensors(&net, Layout::Torch).swap_remove(0).1;
        first.into_data().try_to_vec::<f32>().unwrap()
    };
    for (name, variance) in [
        ("pytorch", 1.0 / (3.0 * 784.0)),
        ("kaiming-normal", 2.0 / 784.0),
        ("kaiming-uniform", 2.0 / 784.0),
        ("xavier", 2.0 / 1084.0),
        ("xavier-normal", 2.0 / 1084.0),
    ] {
        let values = draw(name, 7);
        let found = values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((found / variance - 1.0).abs() < 0.02, "{name}: {found} against {variance}");
        assert_eq!(values, draw(name, 7));
        assert_ne!(values, draw(name, 8));
    }
    assert!(Init::named("kaiming").unwrap_err().to_string().contains("kaiming-normal"));
}

#[test]
fn the_size_of_images_is_read_off_a_fully_connected_layer() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (model, input) in [("conv-2", [1, 28, 28]), ("lenet-5", [3, 32, 32]), ("conv-6", [3, 64, 64])] {
        let spec = Spec { width: 0.25, ..Spec::named(model).unwrap().fit(input, 4) };
        let state = block_on(State::read(&spec.net(&device).unwrap())).unwrap();
        let found = infer(&state, model).unwrap();
        assert!(state.compare(&found.net(&device).unwrap()).is_empty(), "{model}: {:?}", found.input);
    }
}

#[test]
fn the_size_of_images_is_read_off_what_is_learnt_of_their_places() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (model, width, input) in [
        ("vit-tiny", 2.0 / 3.0, [3, 384, 384]),
        ("vit-base", 1.0 / 6.0, [1, 32, 32]),
        ("vit-b-16", 1.0 / 12.0, [3, 512, 512]),
        ("vit-small-cifar", 1.0, [3, 64, 64]),
    ] {
        let spec = Spec { width, ..Spec::named(model).unwrap().fit(input, 10) };
        let state = block_on(State::read(&spec.net(&device).unwrap())).unwrap();
        assert_eq!(infer(&state, model).unwrap(), spec);
    }
}

#[test]
fn sides_that_patches_do_not_divide_are_refused() {
    for (model, input, layer, patch) in [
        ("vit-tiny", [3, 224, 230], "patch_embed.proj", "16x16"),
        ("vit-b-16", [3, 8, 8], "conv_proj", "16x16"),
        ("vit-small-cifar", [1, 30, 28], "patch_embed.proj", "4x4"),
    ] {
        let error = Spec::named(model).unwrap().fit(input, 10).graph().unwrap_err().to_string();
        let [c, h, w] = input;
        let expected = format!(
            "`{model}` does not take {c}x{h}x{w} inputs: layer `{layer}`: its {patch} patches do not divide its {h}x{w} input"
        );
        assert!(error.starts_with(&expected), "{error}");
    }
    let error = Spec::named("vit-tiny").unwrap().output([3, 384, 384]).unwrap_err().to_string();
    assert!(error.contains("does not take 3x384x384 inputs"), "{error}");
}

#[test]
fn what_is_learnt_of_each_place_fixes_the_size_of_images() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for model in ["vit-tiny", "vit-b-16", "vit-small-cifar"] {
        let spec = Spec { width: 0.05, ..Spec::named(model).unwrap().fit([3, 32, 32], 10) };
        // What is cut out of a network has layers of its own.
        let layers = Spec::of_layers("own", spec.graph().unwrap()).unwrap();
        // As many places as there are, pixels that no patch would read, and too few for one patch.
        for [h, w] in [[64, 64], [16, 64], [34, 35], [3, 3]] {
            let expected = format!(
                "its positions fix the size of images: expected 32x32, found {h}x{w}: resize the images, or use weights for"
            );
            for spec in [&spec, &layers] {
                let error = spec.output([3, h, w]).unwrap_err().to_string();
                assert!(error.contains(&expected), "{error}");
            }
        }
        assert_eq!(layers.output([3, 32, 32]).unwrap(), [10, 1, 1]);
        let error = spec.output([1, 64, 64]).unwrap_err().to_string();
        assert!(error.contains("expected 3 channels, found 1"), "{error}");
        let images = Tensor::<4>::zeros([1, 3, 48, 48], &device);
        let ran = spec.net(&device).unwrap().run_all(vec![images.into()], &mut Pass::evaluate());
        let error = ran.unwrap_err().to_string();
        assert!(error.contains("expected 32x32, found 48x48"), "{error}");
    }
    // The mean over all places is one, whatever the size.
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.global_avg_pool(g.input());
    let x = g.position("pos_embed", x);
    let x = g.flatten(x);
    g.linear("head", x, 4);
    let pooled = Spec::of_layers("pooled", g.finish().unwrap()).unwrap();
    assert_eq!(pooled.output([3, 9, 16]).unwrap(), [4, 1, 1]);
}

#[test]
fn the_content_of_a_file_decides_how_it_is_read_and_not_its_name() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = Spec { width: 0.1, ..Spec::named("lenet-5").unwrap() };
    let state = block_on(State::read(&spec.net(&device).unwrap())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("named.pt");
    std::fs::write(&path, pack(&spec, None, state, Default::default()).unwrap().to_bytes().unwrap()).unwrap();
    assert_eq!(open(&path, None, &device).unwrap().spec, spec);
}

#[test]
fn integers_stand_for_numbers_and_layers_of_a_newer_version_are_named() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = Spec { width: 0.1, ..Spec::named("lenet-300-100").unwrap() };
    let state = block_on(State::read(&spec.net(&device).unwrap())).unwrap();
    let mut file = pack(&spec, None, state.clone(), Default::default()).unwrap();
    let weight = file.state.0.remove("fc2.weight").unwrap();
    let integers = Array::from_fn(weight.shape(), |at| (at % 7) as i8);
    let scale = Array::new([], vec![0.1f32]).unwrap();
    file.quantized.insert("fc2.weight".into(), Quantized::new(integers, Per::Tensor, scale, None).unwrap());
    let opened = open_bytes(&file.to_bytes().unwrap(), "x.safetensors", None, &device).unwrap();
    let numbers = block_on(State::read(&opened.net)).unwrap().0.remove("fc2.weight").unwrap();
    let expected = (0..numbers.len()).map(|at| (at % 7) as f32 * 0.1);
    assert!(numbers.iter::<f32>().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6));
    assert!(opened.integers.is_some_and(|integers| integers.quantized.contains_key("fc2.weight")));

    let layers = Spec::of_layers("mine", spec.graph().unwrap()).unwrap();
    let mut file = pack(&layers, None, state, Default::default()).unwrap();
    assert!(open_bytes(&file.to_bytes().unwrap(), "x.safetensors", None, &device).is_ok());
    file.metadata["layers"]["version"] = 3.into();
    let error =
        open_bytes(&file.to_bytes().unwrap(), "x.safetensors", None, &device).unwrap_err().to_string();
    assert!(error.contains("the layers are of version 3") && error.ends_with("x.safetensors"), "{error}");
}
