//! What planning and working cost beside the training itself.

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Instant,
};

use sapwood_core::write_atomic;

use crate::place::Place;

/// A study whose runs train for no more than one step.
fn study(replicates: usize) -> String {
    format!(
        r#"
kind = "prune"
replicates = {replicates}
sparsities = [0.5, 0.6, 0.7, 0.8, 0.9]

[data]
name = "digits"
examples = 16

[model]
name = "lenet-300-100"
width = 0.1

[training]
batch_size = 16
epochs = 1
optimizer = {{ name = "sgd" }}
learning_rate = 0.05

[[methods]]
criterion = ["random", "magnitude"]
ablation = ["none", "shuffle", "reinit", "invert"]
"#
    )
}

/// The runs of each replicate: the dense one, and those of each sparsity, criterion and ablation.
const RUNS: usize = 1 + 5 * 2 * 4;

fn seconds(job: impl FnOnce()) -> f64 {
    let start = Instant::now();
    job();
    start.elapsed().as_secs_f64()
}

/// How many times slower this machine is than the slowest for which the bounds of this file are meant: a core of
/// 2.7 GHz, which multiplies and adds, each time with the result of the last, in four clocks, 1.5 ns. At least 1.
fn slowness() -> f64 {
    const STEPS: u32 = 20_000_000;
    let factor = black_box(0x5851_f42d_4c95_7f2d_u64);
    let chain = || black_box((0..STEPS).fold(1, |x: u64, _| x.wrapping_mul(factor).wrapping_add(1)));
    let fastest = (0..3).map(|_| seconds(|| _ = chain())).fold(f64::INFINITY, f64::min);
    (fastest / f64::from(STEPS) / 1.5e-9).max(1.0)
}

/// Five thousand runs are planned within two seconds, and in at most twice the time of ten plans of a tenth of them:
/// as long, where time is proportional to the runs, and ten times as long, where it is to their square. Others may
/// use the machine meanwhile, so the fastest of three tries counts.
#[test]
fn planning_takes_time_in_proportion_to_the_runs() {
    let plan = |place: &Place, replicates: usize| {
        let (said, runs) = (place.succeed("plan tickets.toml"), RUNS * replicates);
        assert!(said.contains(&format!("{runs} runs, {runs} to do")), "{said}");
    };
    let (whole, part) = (Place::with(&study(122)), Place::with(&study(12)));
    let [mut at_once, mut in_parts] = [f64::INFINITY; 2];
    for _ in 0..3 {
        at_once = at_once.min(seconds(|| plan(&whole, 122)));
        in_parts = in_parts.min(seconds(|| (0..10).for_each(|_| plan(&part, 12))));
    }
    println!("5002 runs planned in {at_once:.3} s, and 492 runs ten times in {in_parts:.3} s");
    assert!(at_once < 2.0 * in_parts, "{at_once} s at once, {in_parts} s in ten parts");
    let slowness = slowness();
    assert!(at_once < 2.0 * slowness, "{at_once} s on a machine {slowness:.1} times slower");
}

/// A run costs less than a tenth of a second beside its training and the writing of its files, on the fastest of three
/// tries: others may use the machine meanwhile.
#[test]
fn a_run_costs_little_beside_its_training() {
    let [mut study_took, mut files_took] = [f64::INFINITY; 2];
    for _ in 0..3 {
        let place = Place::with(&study(1));
        study_took = study_took.min(seconds(|| drop(place.succeed("run tickets.toml"))));
        files_took = files_took.min(writing(place.path()));
    }
    let [all, files] = [study_took, files_took].map(|seconds| seconds / RUNS as f64);
    println!(
        "{:.1} ms a run of one step, start of the program and results included, {:.1} ms of them for its files",
        1e3 * all,
        1e3 * files
    );
    let slowness = slowness();
    assert!(
        all - files < 0.1 * slowness,
        "{all} s a run, {files} s of them for its files, on a machine {slowness:.1} times slower"
    );
}

/// How long it takes to write what studies have left here once more, beside it and each file until it is on the disk:
/// disks differ by more than all else that a run does.
fn writing(place: &Path) -> f64 {
    let (mut folders, mut files) = (vec![PathBuf::from("runs")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(place.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false => files.push((place.join("again").join(path), fs::read(entry.path()).unwrap())),
            }
        }
    }
    seconds(|| files.iter().for_each(|(path, bytes)| write_atomic(path, bytes).unwrap()))
}
