//! A study that is killed again and again ends like one that is left alone.

use std::{
    os::unix::process::CommandExt as _,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use chacha20::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::place::Place;

/// Forty runs: a dense one, nine ways of pruning, four replicates. Levels begin with each
/// other, and the dense run keeps the weights of its first epoch.
const STUDY: &str = r#"
kind = "prune"
replicates = 4
sparsities = [0.9]

[data]
name = "digits"
examples = 600

[model]
name = "lenet-300-100"
width = 0.5

[training]
batch_size = 30
epochs = 3
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05
schedule = { kind = "cosine" }

[[methods]]
criterion = ["snip", "random"]
ablation = ["none", "reinit"]

[[methods]]
criterion = "magnitude"
at = "end"
retrain = { rewind = "1ep" }
iterative = true
sparsity = [0.5, 0.8, 0.9]

[[methods]]
during = { kind = "gradual", begin = "0ep", end = "2ep", every = "10it" }

[[methods]]
criterion = "random"
allocation = "erk"
during = { kind = "regrow", growth = "gradient", until = "2ep", every = "10it" }
"#;

/// The epochs of all forty runs.
const EPOCHS: u32 = 40 * 3;

/// How often a study is killed.
const KILLS: usize = 10;

#[test]
fn a_study_killed_ten_times_ends_like_an_undisturbed_one_with_one_worker_and_with_two() {
    let (whole, start) = (Place::with(STUDY), Instant::now());
    let said = whole.succeed("run tickets.toml");
    let epoch = start.elapsed() / EPOCHS;
    assert!(said.contains("40 runs done, 40 in all"), "{said}");
    let expected = whole.results();
    assert_eq!(expected.lines().count(), 41);

    let mut rng = ChaCha8Rng::seed_from_u64(40);
    for workers in [1, 2] {
        let place = Place::with(STUDY);
        let line = format!("run tickets.toml --workers {workers} --checkpoint-every 7");
        let mut kills = 0;
        while kills < KILLS {
            let mut study = place.command(&line);
            study.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            let mut study = study.spawn().unwrap();
            // Ten parts of the study, each of another length: counted in epochs, since a time would
            // be another part of it on another machine.
            let epochs = epochs_of(&place) + rng.random_range(0..6);
            while epochs_of(&place) < epochs && study.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(1));
            }
            // And anywhere in the next one.
            sleep(epoch.mul_f64(rng.random::<f64>()));
            if study.try_wait().unwrap().is_some() {
                break;
            }
            // All at once: whoever waits, and whoever works.
            let group = Pid::from_raw(study.id().cast_signed()).unwrap();
            kill_process_group(group, Signal::KILL).unwrap();
            study.wait().unwrap();
            kills += 1;
        }
        let said = place.succeed(&line);
        assert!(said.contains("40 in all"), "{said}");
        assert!(place.results() == expected, "{workers} workers: the results differ after {kills} kills");
        assert_eq!(kills, KILLS, "the study was over before it could be killed so often");
    }
}

/// A worker that is asked to stop writes a checkpoint, gives its run back, and the next
/// one goes on from there.
#[test]
fn a_study_that_is_asked_to_stop_gives_its_run_back_and_goes_on() {
    // Longer than any processor takes for the epochs that are waited for.
    let place = Place::with(&STUDY.replace("epochs = 3", "epochs = 20000"));
    for signal in [Signal::TERM, Signal::USR1, Signal::INT] {
        let before = epochs_of(&place);
        let study = place.command("run tickets.toml").process_group(0).spawn().unwrap();
        // In the middle of the dense run, however fast or loaded the machine is.
        let start = Instant::now();
        while epochs_of(&place) < before + 3 {
            assert!(start.elapsed() < Duration::from_secs(120), "no run began: {}", logs(&place));
            sleep(Duration::from_millis(20));
        }
        kill_process_group(Pid::from_raw(study.id().cast_signed()).unwrap(), signal).unwrap();
        let output = study.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("the same command goes on"),
            "{signal:?}: {output:?}"
        );
        let status = place.succeed("status tickets");
        assert!(!status.lines().any(|line| line.starts_with("running")), "a claim was left: {status}");
    }
    let logs = logs(&place);
    assert_eq!(logs.matches("stopped at iteration").count(), 3, "{logs}");
    assert_eq!(logs.matches("continues from iteration").count(), 2, "{logs}");
}

/// How many epochs the runs of the study have noted so far.
fn epochs_of(place: &Place) -> usize {
    logs(place).matches("epoch ").count()
}

/// What the runs of the study have noted so far.
fn logs(place: &Place) -> String {
    let runs = std::fs::read_dir(place.path().join("runs/tickets")).into_iter().flatten();
    let replicates = runs.flat_map(|run| std::fs::read_dir(run.unwrap().path()).into_iter().flatten());
    let logs =
        replicates.filter_map(|folder| std::fs::read_to_string(folder.unwrap().path().join("log.txt")).ok());
    logs.collect()
}
