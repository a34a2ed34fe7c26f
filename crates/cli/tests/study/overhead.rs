//! What planning and working cost beside the training itself.

use std::time::Instant;

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

/// Five thousand runs are planned within two seconds.
#[test]
fn planning_takes_little_time() {
    let place = Place::with(&study(122));
    let start = Instant::now();
    let said = place.succeed("plan tickets.toml");
    let took = start.elapsed();
    assert!(said.contains("5002 runs, 5002 to do"), "{said}");
    println!("5002 runs planned in {took:?}");
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
}

/// A run costs less than a tenth of a second beside its training, on the fastest of three
/// tries: others may use the machine meanwhile.
#[test]
fn a_run_costs_little_beside_its_training() {
    let each = (0..3).map(|_| {
        let place = Place::with(&study(1));
        let start = Instant::now();
        place.succeed("run tickets.toml");
        start.elapsed().as_secs_f64() / 41.0
    });
    let fastest = each.fold(f64::INFINITY, f64::min);
    println!("{:.1} ms a run of one step, start of the program and results included", 1e3 * fastest);
    assert!(fastest < 0.1, "{fastest}");
}
