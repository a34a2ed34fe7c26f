//! The published families against the PyPI package `ofa`: `benches/ofa/expected.py` made the
//! values, with weights that are a function of their names.

use std::collections::BTreeMap;

use sapwood_backend::DeviceSpec;
use sapwood_conformance::{batch, uniform};
use sapwood_core::{Batch, Target, tensors};
use sapwood_search::{Genome, Space};
use sapwood_supernet::{Opened, Supernet, family};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{filled, published::costs, run};

#[derive(Deserialize)]
struct Expected {
    subnets: Vec<Subnet>,
    costs: Vec<Cost>,
    sorted: Option<Sorted>,
    sorted_stage_1: Option<Sorted>,
    recalibrated: Option<Recalibrated>,
}

#[derive(Deserialize)]
struct Cost {
    arch: Value,
    params: u64,
    macs: u64,
}

#[derive(Deserialize)]
struct Subnet {
    #[serde(flatten)]
    cost: Cost,
    size: usize,
    logits: Vec<Vec<f64>>,
    logits_sum: f64,
}

#[derive(Deserialize)]
struct Sorted {
    tensors: Vec<SortedTensor>,
}

#[derive(Deserialize)]
struct SortedTensor {
    name: String,
    head: Vec<f64>,
    dot: f64,
    kept: Option<[usize; 2]>,
    kept_dot: Option<f64>,
}

#[derive(Deserialize)]
struct Recalibrated {
    subnet: usize,
    norms: Vec<Norm>,
    size: usize,
    logits: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Norm {
    name: String,
    running_mean_sum: f64,
    running_var_sum: f64,
}

fn expected() -> BTreeMap<String, Expected> {
    let mut all: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../../../benches/ofa/expected.json")).unwrap();
    all.remove("torch");
    all.into_iter().map(|(name, value)| (name, serde_json::from_value(value).unwrap())).collect()
}

/// What `set_active_subnet` is told, as a genome at 224 pixels.
fn genome(space: &Space, arch: &Value) -> Genome {
    let mut arch = arch.clone();
    arch["r"] = json!(224);
    if let Some(widths) = arch.get_mut("w").and_then(Value::as_array_mut) {
        widths.iter_mut().for_each(|at| *at = json!([0.65, 0.8, 1.0][at.as_u64().unwrap() as usize]));
        // The reference takes whatever is not 2 as a stem without its residual block.
        arch["d"][0] = json!(if arch["d"][0] == 2 { 2 } else { 0 });
    }
    // Proxyless: the last stage has one block, whatever is asked for.
    if space.name().contains("proxyless") {
        arch["d"].as_array_mut().unwrap().truncate(5);
    }
    space.from_json(&arch).unwrap()
}

#[test]
fn parameters_and_multiply_accumulates_agree() {
    for (name, expected) in expected() {
        let family = family(&name, None, None).unwrap();
        let all = expected.costs.iter().chain(expected.subnets.iter().map(|subnet| &subnet.cost));
        for Cost { arch, params, macs } in all {
            assert_eq!(costs(&family, &genome(family.space(), arch)), [*params, *macs], "{name}: {arch}");
        }
    }
}

fn images(size: usize) -> Batch {
    batch("ofa-input", "labels", [2, 3, size, size], 1000)
}

/// All logits lie within 1e-4 of the package's, relative to the largest one.
fn assert_logits(found: &[f64], expected: &[Vec<f64>], what: &str) {
    let rows = found.chunks(found.len() / 2).zip(expected);
    let size = found.iter().fold(1.0f64, |size, x| size.max(x.abs()));
    for (found, expected) in rows {
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= 1e-4 * size, "{what}: {a} for {b}, of {size}");
        }
    }
}

#[test]
fn logits_agree() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (name, expected) in expected() {
        let family = family(&name, None, None).unwrap();
        let supernet = filled(&family, &device);
        for Subnet { cost, size, logits, logits_sum } in &expected.subnets {
            let genome = genome(family.space(), &cost.arch);
            let network = supernet.subnet(&genome).unwrap().uncalibrated();
            let found = run(&network, images(*size).input(&device).unwrap());
            assert_logits(&found, logits, &format!("{name}: {}", cost.arch));
            let sum: f64 = found.iter().sum();
            let all: f64 = found.iter().map(|x| x.abs()).sum();
            assert!((sum - logits_sum).abs() <= 1e-5 * all, "{name}: {sum} for {logits_sum}");
        }
    }
}

fn flat(supernet: &Supernet, name: &str) -> (Vec<usize>, Vec<f64>) {
    let all = tensors(supernet, sapwood_core::Layout::Torch);
    let (info, value) = all.into_iter().find(|(info, _)| info.path.as_str() == name).unwrap();
    (info.shape, value.into_data().iter().collect())
}

/// The dot product with 0, 1/n, 2/n and so on.
fn dot(values: &[f64]) -> f64 {
    values.iter().enumerate().map(|(at, x)| x * at as f64 / values.len() as f64).sum()
}

#[test]
fn channels_are_sorted_as_the_package_sorts_them() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (name, expected) in expected() {
        let Some(sorted) = expected.sorted else { continue };
        let family = family(&name, None, None).unwrap();
        let first = filled(&family, &device).sort_blocking(&Opened::largest(family.space())).unwrap();
        for SortedTensor { name, head, dot: expected, .. } in sorted.tensors {
            let (_, found) = flat(&first, &name);
            assert!(head.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-6), "{name}");
            assert!((dot(&found) - expected).abs() < 1e-3, "{name}: {} for {expected}", dot(&found));
        }
    }
}

/// In the second phase of widths no channel leaves the narrower networks. Compared are those
/// that the middle width keeps: among the others the package's sort, of f32 values from which
/// 200,000 were subtracted, leaves the order to chance.
#[test]
fn channels_are_sorted_within_bands() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (name, expected) in expected() {
        let Some(sorted) = expected.sorted_stage_1 else { continue };
        let family = family(&name, None, None).unwrap();
        let middle = if name.contains("resnet") { "0.25" } else { "4" };
        let open = json!([{"name": "w", "open": {"e": [middle]}, "recipe": recipe()}]);
        let phases: Vec<sapwood_supernet::Phase> = serde_json::from_value(open).unwrap();
        let trained = sapwood_supernet::Phase::opened(&phases, family.space()).unwrap().remove(0);
        let second = filled(&family, &device).sort_blocking(&trained).unwrap();
        for SortedTensor { name, kept, kept_dot, .. } in sorted.tensors {
            // The package has no bands for the hidden units of squeeze and excitation.
            if name.contains("se.fc") {
                continue;
            }
            let ([rows, columns], (shape, values)) = (kept.unwrap(), flat(&second, &name));
            let window: usize = shape[2..].iter().product();
            let row = |row: usize| &values[row * shape[1] * window..][..columns * window];
            let corner: Vec<f64> = (0..rows).flat_map(row).copied().collect();
            let (found, expected) = (dot(&corner), kept_dot.unwrap());
            assert!((found - expected).abs() < 1e-3, "{name}: {found} for {expected}");
        }
    }
}

fn recipe() -> Value {
    json!({"epochs": 1, "learning_rate": 0.1, "optimizer": {"name": "sgd"}})
}

#[test]
fn statistics_are_calibrated_as_the_package_calibrates_them() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let expected = expected().remove("ofa-mbv3-w1.0").unwrap();
    let family = family("ofa-mbv3-w1.0", None, None).unwrap();
    let Recalibrated { subnet, norms, size, logits } = expected.recalibrated.unwrap();
    let genome = genome(family.space(), &expected.subnets[subnet].cost.arch);
    let batches = [4, 4, 2].into_iter().enumerate().map(|(at, n)| {
        let values = uniform(&format!("ofa-calibration-{at}"), n * 3 * size * size);
        let input = values.into_iter().map(|u| (2.0 * (2.0 * u - 1.0)) as f32).collect();
        Batch::new([n, 3, size, size], input, Target::Class(vec![0; n])).unwrap()
    });
    let batches: Vec<Batch> = batches.collect();
    let network = filled(&family, &device).subnet(&genome).unwrap().calibrate(&batches).unwrap();
    let all = tensors(&network, sapwood_core::Layout::Torch);
    for Norm { name, running_mean_sum, running_var_sum } in norms {
        // The package numbers the blocks of a sub-network anew.
        let name = name.replace("blocks.6.", &format!("blocks.{}.", sixth(&family, &genome)));
        let sum = |part: &str| -> f64 {
            let of =
                |(info, _): &&(sapwood_core::ParamInfo, _)| info.path.as_str() == format!("{name}.{part}");
            all.iter().find(of).unwrap().1.clone().into_data().iter::<f64>().sum()
        };
        for (found, expected) in
            [(sum("running_mean"), running_mean_sum), (sum("running_var"), running_var_sum)]
        {
            assert!(
                (found - expected).abs() <= 1e-5 * expected.abs().max(1.0),
                "{name}: {found}, {expected}"
            );
        }
    }
    assert_logits(&run(&network, images(size).input(&device).unwrap()), &logits, "calibrated");
}

/// The number, in the supernet, of the block that is the seventh of a sub-network.
fn sixth(family: &sapwood_supernet::Family, genome: &Genome) -> usize {
    let graph = family.graph(genome).unwrap();
    let mut blocks: Vec<usize> = Vec::new();
    for node in graph.nodes() {
        let number = node.name.strip_prefix("blocks.").and_then(|rest| rest.split('.').next()?.parse().ok());
        blocks.extend(number.filter(|number| blocks.last() != Some(number)));
    }
    blocks[6]
}
