//! Scores, and what is kept, are PyTorch's.
//!
//! In f64, where the device has it. In f32 PyTorch itself comes no nearer than some
//! 1e-3 to its own f64: an activation that is zero but for rounding passes its
//! gradient in the one and not in the other. There the distance is printed.

use std::collections::BTreeMap;

use burn::tensor::DType;
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::{
    ExpectedScores, Kept, ScoreCase, Workload, batch, criterion_keeps_its_promises, devices, fill, scores,
    uniform, workload,
};
use sapwood_core::{Batch, Masks, Target, infos};
use sapwood_models::{Net, Spec};
use sapwood_prune::{
    CRITERIA, Criterion, Cut, Iterations, MaskSet, NetworkProbe, Options, Scope, Scores, Sparsity, find,
};

/// Of a tensor of scores, as everywhere the norm of the difference over the norm.
const TOLERANCE: f64 = 1e-4;
/// Of the weights that are kept.
const OVERLAP: f64 = 0.997;

#[test]
fn every_criterion_keeps_its_promises() {
    CRITERIA.iter().for_each(criterion_keeps_its_promises);
}

// A test for each network, so that they run side by side.

#[test]
fn scores_of_lenet_300_100_are_pytorchs() {
    check("lenet-300-100");
}

#[test]
fn scores_of_conv_4_are_pytorchs() {
    check("conv-4");
}

#[test]
fn scores_of_vgg_11_are_pytorchs() {
    check("vgg-11");
}

#[test]
fn scores_of_resnet_20_are_pytorchs() {
    check("resnet-20");
}

struct Subject {
    net: Net,
    examples: Vec<f32>,
    labels: Vec<u32>,
    shape: [usize; 4],
}

impl Subject {
    fn new(model: &str, expected: &ExpectedScores, device: DeviceSpec) -> Self {
        let device = device.resolve().unwrap();
        let spec = Spec::named(model).unwrap();
        let net = spec.net(&device).unwrap();
        let net = fill(&infos(&net)).write(net).unwrap();
        let [c, h, w] = spec.input;
        let all = batch("score.input", "score.labels", [expected.batch, c, h, w], expected.classes);
        let Target::Class(labels) = all.target else { unreachable!("`batch` gives classes") };
        Self { net, examples: all.input, labels, shape: all.shape }
    }

    fn batches(&self, size: usize) -> Vec<Batch> {
        let [n, c, h, w] = self.shape;
        let each = c * h * w;
        let part = |first: usize| {
            let input = self.examples[first * each..(first + size) * each].to_vec();
            Batch::new([size, c, h, w], input, Target::Class(self.labels[first..first + size].to_vec()))
                .unwrap()
        };
        (0..n).step_by(size).map(part).collect()
    }
}

fn check(model: &str) {
    let expected = scores();
    for device in devices() {
        // A driver in software takes minutes for a gradient of these networks.
        if workload(device) == Workload::Smallest && model != "lenet-300-100" {
            println!("{model} on {device}: not scored, too slow there");
            continue;
        }
        let subject = Subject::new(model, &expected, device);
        let mut wrong = Vec::new();
        for case in expected.entries.iter().filter(|case| case.model == model) {
            wrong.extend(agrees(case, &subject));
        }
        for case in expected.pruned.iter().filter(|case| case.model == model) {
            let batches = subject.batches(expected.batch);
            let probe = NetworkProbe::observed(&subject.net).with_examples(&batches).in_f64();
            let cut = Cut::to(Sparsity::try_from(case.sparsity).unwrap());
            let cut = cut.iterations(Iterations::exponential(case.rounds));
            let criterion = named(&case.criterion, &BTreeMap::new());
            let masks = cut.masks_blocking(criterion.as_ref(), &probe, None).unwrap();
            let found: BTreeMap<String, usize> =
                masks.layers().into_iter().map(|layer| (layer.path.to_string(), layer.kept)).collect();
            let share = overlap(&masks, &case.kept);
            println!("{} on {device}: {share} of what PyTorch keeps", case.id);
            if share < OVERLAP.min(case.nudged_overlap) {
                wrong.push(format!(
                    "{}: {share} of what PyTorch keeps; {found:?}, not {:?}",
                    case.id, case.layers
                ));
            }
        }
        assert!(wrong.is_empty(), "{device}:\n{}", wrong.join("\n"));
    }
}

fn named(name: &str, options: &BTreeMap<String, String>) -> Box<dyn Criterion> {
    let texts: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let options = Options::parse(texts.iter().map(String::as_str)).unwrap();
    (find(CRITERIA, name).unwrap().build)(&options, Seed(0)).unwrap()
}

/// What is not as it should be.
fn agrees(case: &ScoreCase, subject: &Subject) -> Vec<String> {
    let criterion = named(&case.criterion, &case.options);
    let net = match case.mask {
        None => subject.net.clone(),
        // FORCE ranks the weights that a round has masked too: its rounds are compared.
        Some(_) if case.criterion == "force" => return Vec::new(),
        Some(density) => mask(&subject.net, density).apply(subject.net.clone()).unwrap(),
    };
    let batches = subject.batches(case.batch_size);
    let probe = NetworkProbe::observed(&net).with_examples(&batches).in_f64();
    let wide = probe.dtype() == Some(DType::F64);
    let prunable = match criterion.scope(&probe, Scope::default().on(&net).unwrap()) {
        Ok(prunable) => prunable,
        Err(_) if case.tensors.is_empty() => return Vec::new(),
        Err(error) => return vec![format!("{}: {error}", case.id)],
    };
    let found: Scores = block_on(criterion.score(&probe, &prunable).unwrap().read()).unwrap();
    let paths: Vec<&str> = found.iter().map(|(info, _)| info.path.as_str()).collect();
    let mut wrong = Vec::new();
    if !case.tensors.keys().map(String::as_str).eq(paths.iter().copied()) {
        wrong.push(format!("{}: {paths:?} have scores, not {:?}", case.id, case.tensors.keys()));
        return wrong;
    }
    let mut worst = (0.0, "");
    for ((info, found), expected) in found.iter().zip(case.tensors.values()) {
        let far = expected.distance(info.path.as_str(), found);
        if far > worst.0 || far.is_nan() {
            worst = (far, info.path.as_str());
        }
    }
    println!("{}: within {:.1e}", case.id, worst.0);
    if wide && (worst.0 > TOLERANCE || worst.0.is_nan()) {
        wrong.push(format!("{}: {} differs by {:e}", case.id, worst.1, worst.0));
    }
    if let Some(kept) = &case.kept90 {
        let sparsity = "0.9".parse().unwrap();
        let masks = MaskSet::of_scores(&found, sparsity, &sapwood_prune::Allocation::Global, None).unwrap();
        let share = overlap(&masks, kept);
        println!("{}: {share} of what PyTorch keeps at 90 %", case.id);
        if wide && share < OVERLAP {
            wrong.push(format!("{}: only {share} of what PyTorch keeps is kept", case.id));
        }
    }
    wrong
}

/// The mask that the oracle has: below a density in a stream of the weight's name.
fn mask(net: &Net, density: f64) -> MaskSet {
    let weights = infos(net).into_iter().filter(|info| info.role.is_weight());
    let masks = weights.map(|info| {
        let bits = uniform(&format!("mask.{}", info.path), info.len()).into_iter().map(|u| u < density);
        (info.path, bits.collect())
    });
    masks.collect::<Masks>().into()
}

/// Which part of a sample of what PyTorch keeps is kept here, where both keep as many.
fn overlap(masks: &MaskSet, expected: &Kept) -> f64 {
    assert_eq!((masks.total(), masks.kept()), (expected.total, expected.kept));
    let all: Vec<bool> = masks.as_masks().values().flat_map(|mask| mask.iter()).collect();
    let positions = expected.positions();
    positions.iter().filter(|at| all[**at]).count() as f64 / positions.len() as f64
}
