//! The networks answer as PyTorch's do.

use burn::prelude::Device;
use sapwood_backend::block_on;
use sapwood_conformance::{
    Answers, Case, Workload, batch, board, devices, distance, fill, fnv1a, logits, relative_distance,
    uniform, workload,
};
use sapwood_core::{Network, Norm, Pass, State, absorb, infos};
use sapwood_models::{Padding, Shortcut, Spec};

/// As the project promises: the norm of the difference over the norm.
const TOLERANCE: f64 = 1e-4;

/// The largest network that the smallest workload has, in multiply-accumulates.
const SMALLEST: u64 = 3_000_000;

#[test]
fn the_fill_is_pythons() {
    for (name, check) in logits().fill {
        assert_eq!(format!("{:016x}", fnv1a(&name)), check.fnv1a);
        // Eight digits are written down.
        assert!(relative_distance(&uniform(&name, check.u.len()), &check.u) < 1e-7, "{name}");
    }
}

#[test]
fn counts_and_logits_are_pytorchs() {
    for spec in devices() {
        let device = spec.resolve().unwrap();
        for case in logits().cases {
            let wanted = match workload(spec) {
                Workload::Smallest => case.quick && case.macs <= SMALLEST,
                Workload::Quick => case.quick,
                Workload::Full => true,
            };
            if wanted {
                agrees(&case, &device, &format!("{} on {spec}", case.id));
            }
        }
    }
}

fn spec(case: &Case) -> Spec {
    Spec {
        width: case.width,
        shortcut: if case.shortcut == "a" { Shortcut::A } else { Shortcut::B },
        overcompleteness: case.m.unwrap_or(1),
        steps: case.n.unwrap_or(1),
        padding: if case.padding.as_deref() == Some("circular") { Padding::Circular } else { Padding::Zeros },
        ..Spec::named(&case.model).unwrap().fit(case.input, case.classes)
    }
}

fn agrees(case: &Case, device: &Device, what: &str) {
    let anatomy = spec(case).graph().unwrap().anatomy(case.input).unwrap();
    let counts = (anatomy.params(), anatomy.weights(), anatomy.macs());
    assert_eq!(counts, (case.parameters, case.weights, case.macs), "{what}");

    let net = spec(case).net(device).unwrap();
    let net = fill(&infos(&net)).write(net).unwrap();
    let [c, h, w] = case.input;
    let input = match case.model.as_str() {
        "life-net" => board("input", [case.batch, c, h, w]),
        _ => batch("input", "labels", [case.batch, c, h, w], 1),
    };
    let input = input.tensor(device);

    let mut pass = Pass::evaluate();
    compare(net.forward(input.clone(), &mut pass), &case.eval, &format!("{what}, evaluation"));
    let mut pass = Pass::new(Norm::Batch);
    compare(net.forward(input, &mut pass), &case.train, &format!("{what}, training"));

    let state = block_on(State::read(&absorb(net, pass.into_moments()))).unwrap();
    if let Some(expected) = case.running_norm_after_train {
        let running = state.0.iter().filter(|(path, _)| path.as_str().contains("running_"));
        let squares: f64 = running.flat_map(|(_, value)| value.iter::<f64>()).map(|x| x * x).sum();
        assert!(distance(squares.sqrt(), expected) < TOLERANCE, "{what}: running statistics");
    }
    for (path, expected) in case.running_after_train.iter().flatten() {
        let found: Vec<f64> = state.0[path.as_str()].iter().collect();
        assert!(relative_distance(&found, expected) < TOLERANCE, "{what}: {path}");
    }
}

fn compare(found: burn::tensor::Tensor<2>, expected: &Answers, what: &str) {
    let found: Vec<f64> = found.into_data().iter().collect();
    let head = relative_distance(&found[..expected.logits.len()], &expected.logits);
    assert!(head < TOLERANCE, "{what}: the first logits differ by {head:e}");
    let norm = found.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(distance(norm, expected.norm) < TOLERANCE, "{what}: norm {norm}, expected {}", expected.norm);
    let sum: f64 = found.iter().sum();
    let room = TOLERANCE * expected.norm * (found.len() as f64).sqrt();
    assert!((sum - expected.sum).abs() <= room, "{what}: sum {sum}, expected {}", expected.sum);
}
