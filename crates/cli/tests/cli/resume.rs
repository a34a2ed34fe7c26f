//! A training that is killed and started again ends with the same bytes.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::{child, workplace::Workplace};

/// Batch normalisation, momentum, a schedule, a worker thread, and a learning rate
/// that a careless reader of decimals takes for another.
const TRAIN: &str = "train --model resnet-20 --width 0.25 --data digits --examples 600 --batch-size 50 \
    --epochs 4 --lr 0.023713737056616554 --nesterov --weight-decay 1e-4 --schedule cosine --warm-up 5it --checkpoint-every 3";
/// What must be the same in the end.
const RESULTS: [&str; 3] = ["weights.safetensors", "record.json", "curve.csv"];

/// A run in a folder of its own.
struct Run {
    place: Workplace,
    line: String,
}

impl Run {
    fn new() -> Self {
        Self::with("")
    }

    /// With more options.
    fn with(more: &str) -> Self {
        Self { place: Workplace::new(), line: format!("{TRAIN} {more} --out run") }
    }

    fn results(&self) -> [Vec<u8>; 3] {
        RESULTS.map(|file| self.place.read(&format!("run/{file}")))
    }

    fn checkpoints(&self) -> Vec<PathBuf> {
        self.place
            .names()
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "sapwood"))
            .collect()
    }

    /// Whether a file is there that only a writer in the middle of its work leaves.
    fn is_half_written(&self) -> bool {
        let hidden =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        self.place.names().iter().any(hidden)
    }

    /// Starts the training again and compares what it ends with.
    fn ends_like(&self, whole: &Run) {
        self.place.succeed(&self.line);
        assert!(
            self.results() == whole.results(),
            "a continued run ended otherwise than the undisturbed one"
        );
        assert_eq!(self.place.names(), whole.place.names(), "a continued run left something behind");
    }

    /// Starts the training and kills it when `when` says so. Whether it was alive.
    fn kill(&self, mut when: impl FnMut(Duration) -> bool) -> bool {
        let args: Vec<&str> = self.line.split_whitespace().collect();
        let mut process = child::command(self.place.path(), &args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !when(start.elapsed()) && process.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
        process.kill().unwrap();
        process.wait().unwrap().code().is_none()
    }
}

/// The undisturbed run and how long it took.
fn undisturbed() -> (Run, Duration) {
    let (run, start) = (Run::new(), Instant::now());
    run.place.succeed(&run.line);
    (run, start.elapsed())
}

#[test]
fn twenty_trainings_killed_at_random_points_end_like_the_undisturbed_one() {
    let (whole, duration) = undisturbed();
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut while_writing, mut continued) = (0, 0, 0);
    for number in 0..20 {
        let run = Run::new();
        // Every fourth is killed twice. One that was faster than the clock said is
        // not counted, and killed again.
        let mut wanted = if number % 4 == 0 { 2 } else { 1 };
        while wanted > 0 {
            let moment = duration.mul_f64(rng.random::<f64>() * 0.95);
            if !run.kill(|elapsed| moment <= elapsed) {
                fs::remove_dir_all(run.place.path().join("run")).unwrap();
                continue;
            }
            (kills, wanted) = (kills + 1, wanted - 1);
            while_writing += usize::from(run.is_half_written());
            continued += usize::from(!run.checkpoints().is_empty());
        }
        run.ends_like(&whole);
    }
    println!(
        "{kills} kills in 20 runs of {duration:?}: {continued} after a checkpoint, {while_writing} while a file was written"
    );
    assert!(20 <= kills && 5 <= continued);
}

#[test]
fn a_training_killed_while_it_writes_ends_like_the_undisturbed_one() {
    let (whole, _) = undisturbed();
    // The moment is short: a run that was seen too late is tried again.
    let caught = (0..50).map(|_| Run::new()).find(|run| {
        run.kill(|_| !run.checkpoints().is_empty() && run.is_half_written()) && run.is_half_written()
    });
    caught.expect("no training in fifty was killed while it wrote").ends_like(&whole);
}

#[test]
fn a_checkpoint_that_was_cut_short_is_passed_over_for_the_one_before_it() {
    let (whole, _) = undisturbed();
    let run = Run::new();
    assert!(run.kill(|_| run.checkpoints().len() >= 2));
    let newest = run.place.path().join(run.checkpoints().pop().unwrap());
    let length = fs::metadata(&newest).unwrap().len();
    File::options().write(true).open(&newest).unwrap().set_len(length / 2).unwrap();

    let outcome = run.place.run(&run.line);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    for said in ["passed over a broken checkpoint", "cut short or altered", "continues from iteration"] {
        assert!(outcome.err.contains(said), "{outcome:#?}");
    }
    run.ends_like(&whole);
}

#[test]
fn a_folder_in_which_another_process_trains_is_left_alone() {
    let mut run = Run::new();
    // Longer than any second process takes to be refused.
    run.line = run.line.replace("--epochs 4", "--epochs 10000");
    let killed = run.kill(|_| {
        // As soon as the first process has made its lock, the second is refused.
        let training = !run.checkpoints().is_empty();
        if training {
            let outcome = run.place.run(&run.line);
            crate::workplace::one_line_error(&run.line, &outcome, &["another process is training", "run"]);
        }
        training
    });
    assert!(killed);
}

#[test]
fn a_run_that_is_done_is_only_read_and_another_one_is_refused() {
    let (run, _) = undisturbed();
    let files = run.place.files();
    let outcome = run.place.run(&run.line);
    assert!(outcome.code == Some(0) && outcome.err.contains("this run is done"), "{outcome:#?}");
    assert_eq!(run.place.files(), files);
    run.place.refuse(
        &run.line.replace("--epochs 4", "--epochs 5"),
        &["the folder holds another run, whose recipe.epochs is 4 and not 5", "--out"],
    );

    let mut weights = run.place.read("run/weights.safetensors");
    *weights.last_mut().unwrap() ^= 1;
    run.place.put("run/weights.safetensors", weights);
    let outcome = run.place.run(&run.line);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(2), ""), "{outcome:#?}");
    assert!(outcome.err.contains("altered since the run") && outcome.err.contains("--out"), "{outcome:#?}");
}

/// Of many processes with as many configurations, the first one gets the folder.
#[test]
fn of_trainings_that_start_together_in_a_new_folder_one_trains() {
    let place = Workplace::new();
    let start = |seed: usize| {
        let line = format!("train --model lenet-300-100 --data digits --epochs 1 --out run --seed {seed}");
        child::command(place.path(), &line.split(' ').collect::<Vec<_>>()).spawn().unwrap()
    };
    let processes: Vec<_> = (0..4).map(start).collect();
    let outputs: Vec<_> = processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{outputs:#?}");
    for output in outputs.iter().filter(|output| !output.status.success()) {
        let err = String::from_utf8_lossy(&output.stderr);
        let refused = err.contains("another process is training") || err.contains("holds another run");
        assert!(refused, "{err}");
    }
}

/// Masks, and what a criterion has added up over the training, are in the checkpoint; what was gone when the run
/// began is not what is gone when it goes on.
#[test]
fn a_training_whose_masks_change_goes_on_where_it_was_killed() {
    let start = Run::new();
    start.place.succeed(&start.line.replace("--epochs 4", "--epochs 4 --until 0it"));
    start.place.succeed("prune --weights run/weights.safetensors --sparsity 0.5 --out half.safetensors");
    let half = start.place.read("half.safetensors");
    for sparse in [false, true] {
        let run = || {
            let mut run = Run::with("--gradual 0.9 --gradual-score movement --masks-every 4it");
            if sparse {
                run.place.put("half.safetensors", &half);
                run.line = run.line.replace("--model resnet-20 --width 0.25", "--weights half.safetensors");
            }
            run
        };
        let whole = run();
        whole.place.succeed(&whole.line);
        let killed = run();
        // Some checkpoints later, in the middle of the schedule.
        let mut seen = std::collections::BTreeSet::new();
        let alive = killed.kill(|_| {
            seen.extend(killed.checkpoints());
            5 <= seen.len()
        });
        assert!(alive && !killed.checkpoints().is_empty(), "it was over before it could be killed");
        killed.ends_like(&whole);
    }
}

/// What is computed of the data before the first step has last digits that follow from the level: it stays as it was.
#[test]
fn a_training_with_rounding_or_new_statistics_goes_on_at_another_level() {
    let Some(best) = sapwood_backend::levels().next().filter(|best| *best != "portable") else {
        return println!("not tested: this processor has one level");
    };
    let start = Run::new();
    start.place.succeed(&start.line.replace("--epochs 4", "--epochs 1"));
    let network = start.place.read("run/weights.safetensors");
    for more in ["--quantize int4 --calibrate 100", "--new-statistics"] {
        let mut run = Run::with(more);
        run.place.put("net.safetensors", &network);
        let line = run.line.replace("--model resnet-20 --width 0.25", "--weights net.safetensors");
        run.line = format!("{line} --level portable");
        assert!(run.kill(|_| !run.checkpoints().is_empty()), "{more}: it was over before it could be killed");
        let begun = run.place.read("run/begun.safetensors");
        let outcome = run.place.run(&format!("{line} --level {best}"));
        assert_eq!(outcome.code, Some(0), "{more}: {outcome:#?}");
        let expected =
            format!("this run was begun at level portable-pinned and goes on at {best}-pinned; last digits");
        assert!(outcome.err.contains(&expected), "{more}: {outcome:#?}");
        assert!(outcome.err.contains("continues from iteration"), "{more}: {outcome:#?}");
        assert!(run.place.read("run/begun.safetensors") == begun, "{more}: it was computed anew");
    }
}

/// Steps that are learnt are in the checkpoint, and from where on they stand still is a function of the iteration.
#[test]
fn a_training_with_rounding_goes_on_where_it_was_killed() {
    let run = || Run::with("--quantize int4 --calibrate 100");
    let whole = run();
    whole.place.succeed(&whole.line);
    let killed = run();
    let mut seen = std::collections::BTreeSet::new();
    let alive = killed.kill(|_| {
        seen.extend(killed.checkpoints());
        5 <= seen.len()
    });
    assert!(alive && !killed.checkpoints().is_empty(), "it was over before it could be killed");
    killed.ends_like(&whole);
}
