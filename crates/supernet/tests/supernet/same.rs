//! A sub-network computes the same wherever it is.

use burn::tensor::{DType, Tensor};
use sapwood_backend::{DeviceSpec, Seed, Stream};
use sapwood_conformance::batch;
use sapwood_core::{Conv, Graph, Layout, Masks, ModuleState, Op, State, StateFile, map, tensors};
use sapwood_models::{Net, Spec, pack};
use sapwood_search::{Choice, Space};
use sapwood_supernet::{Family, Opened, Phase, family};

use crate::{distance, filled, run};

const SMALL: [&str; 5] =
    ["mbv3-small-image", "resnet-small-image", "resnet-tiny-image", "mlp", "vit-small-image"];

#[test]
fn sorting_keeps_what_the_largest_network_computes() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for name in SMALL {
        let family = family(name, None, None).unwrap();
        // In f64: weights that grow from layer to layer would magnify what f32 rounds.
        let before = map(filled(&family, &device), Layout::Stored, |_, value| value.cast(DType::F64));
        let [c, h, w] = family.whole().input();
        let images =
            batch("image", "label", [2, c, h, w], 10).input::<Tensor<4>>(&device).unwrap().cast(DType::F64);
        let after = before.clone().sort_blocking(&Opened::largest(family.space())).unwrap();
        let far = distance(&run(&after, images.clone()), &run(&before, images.clone()));
        assert!(far <= 1e-6, "{name}: {far}");
        let small = |supernet: &sapwood_supernet::Supernet| {
            run(&supernet.subnet(&family.smallest()).unwrap().uncalibrated(), images.clone())
        };
        assert_ne!(small(&before), small(&after), "{name}: nothing was sorted");
        // Once all widths are trained, no channel may leave its place among them.
        let again = after.clone().sort_blocking(&Opened::all(family.space())).unwrap();
        assert!(distance(&small(&again), &small(&after)) <= 1e-6, "{name}");
    }
}

/// What was trained before a sort computes what it did, also where a layer reads another one in
/// shallow networks.
#[test]
fn sorting_keeps_what_shallow_networks_compute() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for name in ["mlp", "resnet-tiny-image", "mbv3-small-image"] {
        let family = family(name, None, None).unwrap();
        let before = map(filled(&family, &device), Layout::Stored, |_, value| value.cast(DType::F64));
        let [c, h, w] = family.whole().input();
        let images =
            batch("image", "label", [2, c, h, w], 10).input::<Tensor<4>>(&device).unwrap().cast(DType::F64);
        let recipe = serde_json::json!({"epochs": 1, "learning_rate": 0.1, "optimizer": {"name": "sgd"}});
        let phases = serde_json::json!([{"name": "depth", "open": {"d": [1, 2]}, "recipe": recipe}]);
        let phases = phases.to_string();
        let phases = if name == "resnet-tiny-image" { phases.replace("[1,2]", "[1]") } else { phases };
        let phases: Vec<Phase> = serde_json::from_str(&phases).unwrap();
        let trained = Phase::opened(&phases, family.space()).unwrap().remove(0);
        let after = before.clone().sort_blocking(&trained).unwrap();
        for number in 0..8 {
            let genome = trained.sample(family.space(), &mut Seed(1).stream(Stream::Data, number)).unwrap();
            let [found, expected] = [&after, &before]
                .map(|supernet| run(&supernet.subnet(&genome).unwrap().uncalibrated(), images.clone()));
            let far = distance(&found, &expected);
            assert!(far <= 1e-6, "{name}, {}: {far}", family.space().text(&genome));
        }
    }
}

/// For 200 networks of a family: cut from a supernet, and the same read from it and built anew;
/// of large ones every tenth, of small ones each from nothing but the bytes of a file.
fn inside_and_out(family: &Family, size: usize) {
    let (device, name) = (DeviceSpec::CPU.resolve().unwrap(), family.name());
    let supernet = filled(family, &device);
    let images: Tensor<4> =
        batch("image", "label", [1, family.whole().input()[0], size, size], 10).input(&device).unwrap();
    let mut rng = Seed(7).stream(Stream::Data, 0);
    let large =
        tensors(&supernet, Layout::Stored).iter().map(|(info, _)| info.len()).sum::<usize>() > 1 << 20;
    for number in 0..200 {
        let mut positions = family.space().sample(&mut rng).positions().to_vec();
        if size != family.whole().input()[1] {
            positions[0] = family.largest().positions()[0];
        }
        let genome = family.space().genome(&positions).unwrap();
        let subnet = supernet.subnet(&genome).unwrap().uncalibrated();
        let spec = Spec::of_layers(name, family.graph(&genome).unwrap()).unwrap();
        let state = sapwood_backend::block_on(State::read(&subnet)).unwrap();
        let mut file = pack(&spec, None, state, Masks::new()).unwrap();
        if !large || number % 10 == 0 {
            file = StateFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
        }
        let read: Spec = serde_json::from_value(file.metadata).unwrap();
        let alone: Net = file.state.write(read.net(&device).unwrap()).unwrap();
        let [inside, out] = [&subnet, &alone].map(|network| run(network, images.clone()));
        assert_eq!(inside, out, "{name}: {}", family.space().text(&genome));
    }
}

macro_rules! inside_and_out {
    ($($test:ident: $name:literal, $size:literal;)*) => {$(
        #[test]
        fn $test() {
            inside_and_out(&family($name, None, None).unwrap(), $size);
        }
    )*};
}

inside_and_out! {
    mbv3_is_the_same_cut_out: "ofa-mbv3-w1.0", 64;
    wider_mbv3_is_the_same_cut_out: "ofa-mbv3-w1.2", 64;
    proxyless_is_the_same_cut_out: "ofa-proxyless-w1.3", 64;
    resnet50d_is_the_same_cut_out: "ofa-resnet50d", 32;
    small_mbv3_is_the_same_cut_out: "mbv3-small-image", 32;
    small_resnet_is_the_same_cut_out: "resnet-small-image", 32;
    tiny_resnet_is_the_same_cut_out: "resnet-tiny-image", 32;
    mlp_is_the_same_cut_out: "mlp", 8;
    vit_is_the_same_cut_out: "vit-small-image", 32;
}

/// Layers that are elastic in their channels, and some that are the same in both networks, as is the constant unless it
/// is to be elastic.
fn of_many_kinds(is_constant_elastic: bool) -> Result<Family, sapwood_supernet::Error> {
    let space = Space::new("kinds", vec![Choice::new("width", ["4", "8"])])?;
    Family::new(space, move |chosen| {
        let width: usize = chosen.get("width")?;
        let mut g = Graph::builder([1, 6, 6]);
        let x = g.conv("conv", g.input(), Conv::new(width, [3, 1]));
        let x = g.group_norm("norm", x, 2);
        let x = g.op("slopes", Op::Prelu { channels: width }, &[x]);
        let shift = g.constant("shift", &[if is_constant_elastic { width } else { 1 }, 4, 6], true);
        let x = g.add(x, shift);
        let x = g.conv("narrow", x, Conv::new(3, 1));
        let x = g.op("slope", Op::Prelu { channels: 1 }, &[x]);
        let x = g.flatten(x);
        g.linear("fc", x, 10);
        Ok(g.finish()?)
    })
}

#[test]
fn layers_of_any_kind_have_the_first_channels() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let family = of_many_kinds(false).unwrap();
    inside_and_out(&family, 6);
    let supernet = filled(&family, &device);
    let small = supernet.subnet(&family.smallest()).unwrap().uncalibrated();
    let whole = sapwood_backend::block_on(State::read(&supernet)).unwrap();
    let small = sapwood_backend::block_on(State::read(&small)).unwrap();
    for (path, part) in &small.0 {
        let whole = &whole.0[path];
        let is_prefix = part.shape().len() == 1 || part.shape() == whole.shape();
        let [part, whole] = [part, whole].map(|array| array.iter::<f32>().collect::<Vec<_>>());
        assert!(!is_prefix || part == whole[..part.len()], "{path}");
    }
    for name in ["norm.weight", "norm.bias", "slopes.weight"] {
        assert_eq!(small.0[name].shape(), [4], "{name}");
    }
    let space = Space::new("outputs", vec![Choice::new("width", ["4", "8"])]).unwrap();
    let elastic = Family::new(space, |chosen| {
        let mut g = Graph::builder([1, 6, 6]);
        let x = g.flatten(g.input());
        g.linear("fc", x, chosen.get("width")?);
        Ok(g.finish()?)
    });
    let said = elastic.unwrap_err().to_string();
    assert!(said.contains("width=4 takes other inputs") && said.contains("number of outputs"), "{said}");
    let said = of_many_kinds(true).unwrap_err().to_string();
    assert!(said.contains("layer `shift`") && said.contains("a constant is not elastic"), "{said}");
}
