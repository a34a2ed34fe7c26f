//! Nested networks: the same inside and cut out, and the same gradients, on every device.

use burn::module::Module;
use sapwood_backend::{DeviceSpec, Seed, Stream, block_on};
use sapwood_conformance::{batch, devices, fill, relative_distance};
use sapwood_core::{Network, Pass, State, infos};
use sapwood_models::Net;
use sapwood_supernet::{Nested, Opened, Rule, Supernet, family};
use sapwood_train::{Objective, Recipe, Sgd, StepContext};

/// Elastic kernels with matrices, squeeze and excitation, resolutions; residual networks; attention.
const FAMILIES: [&str; 3] = ["mbv3-small-image", "resnet-tiny-image", "vit-small-image"];

fn filled(name: &str, device: DeviceSpec) -> Supernet {
    let supernet = Supernet::new(&family(name, None, None).unwrap(), &device.resolve().unwrap());
    fill(&infos(&supernet)).write(supernet).unwrap()
}

fn outputs(network: &impl Network, device: DeviceSpec) -> Vec<f64> {
    let images = batch("image", "label", [2, 3, 32, 32], 10).tensor(&device.resolve().unwrap());
    network.forward(images, &mut Pass::evaluate()).into_data().iter().collect()
}

#[test]
fn a_sub_network_is_the_same_inside_and_cut_out() {
    for device in devices() {
        for name in FAMILIES {
            let supernet = filled(name, device);
            let genome = supernet.family().space().sample(&mut Seed(5).stream(Stream::Data, 0));
            let inside = supernet.subnet(&genome).unwrap().uncalibrated();
            let state = block_on(State::read(&inside)).unwrap();
            let alone = |device: DeviceSpec| -> Vec<f64> {
                let net = Net::new(supernet.family().graph(&genome).unwrap(), &device.resolve().unwrap());
                outputs(&state.write(net).unwrap(), device)
            };
            let (found, here, on_the_cpu) = (outputs(&inside, device), alone(device), alone(DeviceSpec::CPU));
            assert!(relative_distance(&found, &here) <= 1e-5, "{name} on {device}");
            assert!(relative_distance(&found, &on_the_cpu) <= 1e-4, "{name} on {device}");
        }
    }
}

#[test]
fn sub_networks_learn_the_same() {
    for device in devices() {
        for name in FAMILIES {
            let gradients = |device: DeviceSpec| -> Vec<(String, Vec<f64>)> {
                let supernet = filled(name, device);
                let opened = Opened::all(supernet.family().space());
                let rule = Rule::Random { subnets: 2 };
                let mut nested =
                    Nested { opened, rule, distillation: Default::default(), teacher: None, seed: Seed(2) };
                let plan = Recipe::new(1, Sgd::default(), 0.1).plan(1).unwrap();
                let place = device.resolve().unwrap();
                let context = StepContext { plan: &plan, iteration: 0, device: &place };
                let batch = batch("image", "label", [4, 3, 32, 32], 10);
                let lesson = nested.teach(&supernet.train(), &batch, &context).unwrap();
                let host = |value: burn::tensor::Tensor<1>| value.into_data().iter().collect();
                lesson.gradients.into_iter().map(|(path, value)| (path.to_string(), host(value))).collect()
            };
            let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
            for ((path, found), (_, expected)) in gradients(device).iter().zip(gradients(DeviceSpec::CPU)) {
                // A bias in front of a normalisation has no gradient but rounding; a ReLU that switches
                // where its input is zero but for rounding moves others by some 1e-4.
                if 1e-4 < norm(&expected) {
                    let far = relative_distance(found, &expected);
                    assert!(far <= 1e-3, "{name} on {device}: {path} differs by {far:e}");
                }
            }
        }
    }
}
