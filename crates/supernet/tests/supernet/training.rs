//! Sub-networks learn together.

use burn::module::Module;
use sapwood_backend::{DeviceSpec, Seed};
use sapwood_conformance::batch;
use sapwood_core::{Gradients, Layout, Network, Pass, gradients, loss, tensors};
use sapwood_models::Init;
use sapwood_supernet::{Nested, Opened, Phase, Rule, Supernet, family};
use sapwood_train::{Objective, Plan, Recipe, Sgd, StepContext};
use serde_json::json;

fn plan() -> Plan {
    Recipe::new(1, Sgd::default(), 0.1).plan(10).unwrap()
}

fn nested(rule: Rule, opened: Opened) -> Nested {
    Nested { opened, rule, distillation: Default::default(), teacher: None, seed: Seed(3) }
}

/// The gradients of a step, by path, on the host.
fn learn(nested: &mut Nested, supernet: &Supernet, iteration: usize) -> Vec<(String, Vec<f64>)> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let (plan, batch) = (plan(), batch("image", "label", [4, 3, 32, 32], 10));
    let context = StepContext { plan: &plan, iteration, device: &device };
    let lesson = nested.teach(&supernet.clone().train(), &batch, &context).unwrap();
    host(lesson.gradients)
}

fn host(gradients: Gradients) -> Vec<(String, Vec<f64>)> {
    gradients
        .into_iter()
        .map(|(path, value)| (path.to_string(), value.into_data().iter().collect()))
        .collect()
}

fn drawn(name: &str) -> Supernet {
    let device = DeviceSpec::CPU.resolve().unwrap();
    Init::named("kaiming-normal")
        .unwrap()
        .apply(Supernet::new(&family(name, None, None).unwrap(), &device), Seed(1))
}

/// The largest network alone learns what it learns outside of any supernet.
#[test]
fn the_largest_networks_gradients_are_its_own() {
    for name in ["resnet-tiny-image", "mbv3-small-image", "vit-small-image"] {
        let supernet = drawn(name);
        let device = DeviceSpec::CPU.resolve().unwrap();
        let space = supernet.family().space().clone();
        let mut alone = nested(Rule::Random { subnets: 1 }, Opened::largest(&space));
        // An iteration whose resolution is the full one.
        let full = (0..100).find(|iteration| {
            let genomes = alone.rule.genomes(&alone.opened, &space, alone.seed, *iteration).unwrap();
            genomes[0] == supernet.family().largest()
        });
        let found = learn(&mut alone, &supernet, full.unwrap());
        let network = supernet.clone().train();
        let batch = batch("image", "label", [4, 3, 32, 32], 10);
        let logits = network.forward(batch.input(&device.autodiff()).unwrap(), &mut Pass::train());
        let expected = host(gradients(&network, loss(logits, batch.target(), 0.0).unwrap(), Layout::Stored));
        for (path, expected) in expected {
            let (_, found) = found.iter().find(|(name, _)| *name == path).unwrap();
            assert_eq!(*found, expected, "{name}: {path}");
        }
    }
}

/// The gradients of several sub-networks are summed, each where its weights lie.
#[test]
fn gradients_are_summed_where_the_weights_lie() {
    for name in ["resnet-tiny-image", "mbv3-small-image"] {
        let supernet = drawn(name);
        let opened = Opened::all(supernet.family().space());
        let both = learn(&mut nested(Rule::Random { subnets: 3 }, opened.clone()), &supernet, 5);
        let device = DeviceSpec::CPU.resolve().unwrap();
        let space = supernet.family().space().clone();
        let genomes = Rule::Random { subnets: 3 }.genomes(&opened, &space, Seed(3), 5).unwrap();
        // By finite differences, for a weight that all three have and for one that few have.
        let batch = batch("image", "label", [4, 3, 32, 32], 10);
        let total = |supernet: &Supernet| -> f64 {
            let losses = genomes.iter().map(|genome| {
                let network = supernet.subnet(genome).unwrap().uncalibrated();
                let logits = network.forward(batch.input(&device).unwrap(), &mut Pass::train());
                loss(logits, batch.target(), 0.0).unwrap().into_scalar::<f64>()
            });
            losses.sum()
        };
        let mut checked = 0;
        for (path, gradient) in &both {
            // One weight of each parameter: the one with the steepest slope.
            let steepest =
                (0..gradient.len()).max_by(|a, b| gradient[*a].abs().total_cmp(&gradient[*b].abs()));
            let Some(at) = steepest.filter(|at| 0.05 < gradient[*at].abs()) else { continue };
            let moved = |by: f64| {
                let network = supernet.clone();
                let moved = sapwood_core::map(network, Layout::Stored, |info, value| {
                    if info.path.as_str() != path {
                        return value;
                    }
                    let step = burn::tensor::Tensor::<1>::full([1], by, (&value.device(), value.dtype()));
                    let here = value.clone().slice(at..at + 1) + step;
                    value.slice_assign(at..at + 1, here)
                });
                total(&moved)
            };
            let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
            let scale = gradient[at].abs().max(0.1);
            assert!((slope - gradient[at]).abs() < 0.1 * scale, "{name}: {path}: {slope}, {}", gradient[at]);
            checked += 1;
        }
        assert!(20 < checked, "{name}: only {checked} parameters had a slope");
    }
}

#[test]
fn a_step_is_a_function_of_the_seed_and_the_iteration() {
    let supernet = drawn("resnet-tiny-image");
    let space = supernet.family().space().clone();
    let all = Opened::all(&space);
    let draw = |rule: Rule, iteration| rule.genomes(&all, &space, Seed(1), iteration).unwrap();
    let random = Rule::Random { subnets: 4 };
    assert_eq!(draw(random, 9), draw(random, 9));
    assert_ne!(draw(random, 9), draw(random, 10));
    let sandwich = draw(Rule::Sandwich { subnets: 2 }, 0);
    assert_eq!((sandwich.len(), &sandwich[0]), (4, &supernet.family().largest()));
    assert_eq!(sandwich[3], supernet.family().smallest());
}

#[test]
fn what_phases_open_must_be_new_and_there() {
    let family = family("mbv3-small-image", None, None).unwrap();
    let recipe = json!({"epochs": 1, "learning_rate": 0.1, "optimizer": {"name": "sgd"}});
    let opened = |phases: serde_json::Value| {
        let mut phases = phases;
        phases.as_array_mut().unwrap().iter_mut().for_each(|phase| phase["recipe"] = recipe.clone());
        let phases: Vec<Phase> = serde_json::from_value(phases).unwrap();
        Phase::opened(&phases, family.space()).map_err(|error| error.to_string())
    };
    let steps = opened(json!([
        {"name": "largest"},
        {"name": "kernel", "open": {"ks": [3]}},
        {"name": "depth", "open": {"d": [2]}, "rule": {"name": "random", "subnets": 2}},
        {"name": "rest", "open": "all"},
    ]));
    assert_eq!(steps.unwrap().pop().unwrap(), Opened::all(family.space()));
    let twice = opened(json!([{"name": "a", "open": {"ks": [3]}}, {"name": "b", "open": {"ks": [3]}}]));
    assert_eq!(
        twice.unwrap_err(),
        "phase `b`: it opens `ks` = 3, which is open already: a phase lists what is new in it"
    );
    let nowhere = opened(json!([{"name": "a", "open": {"ks": [9]}}])).unwrap_err();
    assert_eq!(nowhere, "phase `a`: `ks.0` has no option 9: expected one of 3, 5");
    let unknown = opened(json!([{"name": "a", "open": {"kernel": [3]}}])).unwrap_err();
    assert!(unknown.starts_with("phase `a`: the space has no choice `kernel`: expected one of r, d.0"));
    assert!(opened(json!([])).is_err());
    let none = opened(json!([{"name": "a", "open": {"kernel": []}}])).unwrap_err();
    assert!(none.starts_with("phase `a`: it opens no option of `kernel`"), "{none}");
    for weight in [0.0, -1.0] {
        let rule = json!({"name": "sandwich", "subnets": 1});
        let said =
            opened(json!([{"name": "a", "rule": rule, "distillation": {"weight": weight}}])).unwrap_err();
        assert!(said.starts_with("phase `a`: expected a weight of its distillation above 0"), "{said}");
    }
}

#[test]
fn matrices_are_trained_and_only_where_smaller_kernels_are() {
    let supernet = drawn("mbv3-small-image");
    let all = Opened::all(supernet.family().space());
    let found = learn(&mut nested(Rule::Random { subnets: 4 }, all), &supernet, 0);
    let moved = |name: &str| {
        let (_, values) = found.iter().find(|(path, _)| path == name).unwrap();
        values.iter().any(|x| *x != 0.0)
    };
    let matrices = found.iter().filter(|(path, _)| path.ends_with("5to3_matrix"));
    assert!(matrices.clone().count() == 9 && matrices.clone().any(|(path, _)| moved(path)));
    let names: Vec<String> =
        tensors(&supernet, Layout::Torch).into_iter().map(|(i, _)| i.path.to_string()).collect();
    assert!(names.contains(&"blocks.1.conv.depth_conv.conv.5to3_matrix".to_string()));
}
