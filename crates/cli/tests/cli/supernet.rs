//! Nested networks on the command line.

use std::{
    fs,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{child, workplace::Workplace};

/// Batch normalisation, a teacher, elastic depth and widths (so that channels are sorted).
const EXPERIMENT: &str = r#"
name = "nested"
kind = "supernet"
family = "resnet-tiny-image"
batch_size = 32
data = { name = "digits", examples = 320 }

[recipe]
optimizer = { name = "sgd", momentum = 0.9, nesterov = true }
schedule = { kind = "cosine" }

[judging]
calibration = 200

[[method]]
name = "progressive"

[[method.phase]]
name = "largest"
epochs = 1
learning_rate = 0.05

[[method.phase]]
name = "depth"
open = { d = [1] }
rule = { name = "random", subnets = 2 }
distillation = {}
epochs = 1
learning_rate = 0.02

[[method.phase]]
name = "width"
open = { e = [0.5, 0.75] }
rule = { name = "random", subnets = 2 }
distillation = { distance = "mse", weight = 0.5 }
epochs = 1
learning_rate = 0.02

[alone]
budget_of = "progressive"
learning_rate = 0.05
"#;
const TRAIN: &str = "supernet train nested.toml --checkpoint-every 1";
const RUN: &str = "runs/nested/progressive-r0";
const PHASES: [&str; 3] = ["1-largest", "2-depth", "3-width"];

fn place(experiment: &str) -> Workplace {
    let place = Workplace::new();
    fs::write(place.path().join("nested.toml"), experiment).unwrap();
    place
}

/// The experiment without the networks by themselves.
fn method_alone() -> String {
    EXPERIMENT.split("[alone]").next().unwrap().to_string()
}

/// Starts the training, or goes on with it, and kills it in the middle of a phase: that has begun, has written
/// checkpoints, and is not done. Whether that was seen in time.
fn is_killed_within(place: &Workplace, at: usize) -> bool {
    let (run, phase) = (place.path().join(RUN), PHASES[at]);
    let args: Vec<&str> = TRAIN.split_whitespace().collect();
    let mut process = child::command(place.path(), &args);
    let mut process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let within = || {
        let begun = at == 0 || run.join(format!("{}.safetensors", PHASES[at - 1])).exists();
        let written = fs::read_dir(run.join("checkpoints").join(phase)).is_ok_and(|files| files.count() >= 2);
        begun && written
    };
    while !within() {
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "it ended before phase {phase}: {:#?}", place.run(TRAIN));
            return false;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "phase {phase} never came");
        sleep(Duration::from_micros(200));
    }
    process.kill().unwrap();
    let alive = process.wait().unwrap().code().is_none();
    alive && !run.join(format!("{phase}.safetensors")).exists()
}

#[test]
fn a_training_killed_in_every_phase_ends_with_the_same_bytes() {
    let whole = place(&method_alone());
    whole.succeed(TRAIN);
    // A phase is short: a training of which one was over before that was seen is tried again.
    let killed = (0..10)
        .map(|_| place(&method_alone()))
        .find(|place| (0..PHASES.len()).all(|at| is_killed_within(place, at)))
        .expect("no training in ten was killed in the middle of every phase");
    killed.succeed(TRAIN);
    let files = PHASES.map(|phase| format!("{RUN}/{phase}.safetensors"));
    let files =
        files.into_iter().chain(["weights.safetensors", "record.json"].map(|file| format!("{RUN}/{file}")));
    for file in files.chain(["runs/nested/results.csv".into()]) {
        assert!(whole.read(&file) == killed.read(&file), "{file} differs");
    }
    // Checkpoints that a kill has left behind the record go.
    killed.put(&format!("{RUN}/checkpoints/3-width/checkpoint-000000000001.sapwood"), "");
    killed.succeed(TRAIN);
    assert!(!killed.has(&format!("{RUN}/checkpoints")));
    // What is done is only read, and not taken for what another file says.
    let before = killed.files();
    killed.succeed(TRAIN);
    assert_eq!(killed.files(), before);
    fs::write(killed.path().join("nested.toml"), method_alone().replace("rate = 0.05", "rate = 0.06"))
        .unwrap();
    killed.refuse(
        TRAIN,
        &["the folder holds another run", "experiment.method.0.phase.0.learning_rate is 0.05 and not 0.06"],
    );
    killed.refuse(
        "supernet report nested.toml",
        &["came of other settings", "learning_rate is 0.05, and not 0.06", "put them back"],
    );
    assert!(whole.succeed("supernet report nested.toml").contains("What training costs"));
}

#[test]
fn networks_are_trained_judged_cut_out_and_pruned() {
    let place = place(EXPERIMENT);
    let said = place.succeed(TRAIN);
    assert!(said.contains("progressive - alone") && said.contains("d: 1 1 1; e: 0.5 0.5"), "{said}");
    let csv = String::from_utf8(place.read("runs/nested/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 4 + 4, "{csv}");
    // By themselves they cost what the method costs, to a tenth of an epoch.
    let costs = |method: &str| -> Vec<f64> {
        let lines = csv.lines().filter(|line| line.starts_with(method));
        lines.map(|line| line.split(',').nth(5).unwrap().parse().unwrap()).collect()
    };
    let budget = costs("progressive")[0];
    assert!(costs("alone").iter().all(|cost| (cost / budget - 1.0).abs() < 0.05), "{csv}");

    let weights = format!("--weights {RUN}/weights.safetensors --data digits");
    let judged = place.succeed(&format!("supernet eval {weights} --corners --calibration 200"));
    assert_eq!(judged.lines().count(), 2 + 4, "{judged}");
    let cut = place.succeed(&format!("supernet extract {weights} --arch min --out small.safetensors"));
    let top1 = cut.rsplit("top-1 ").next().unwrap().trim();
    let again = place.succeed("eval --weights small.safetensors --data digits");
    assert!(again.contains(top1), "{cut}{again}");
    assert!(place.succeed("describe --weights small.safetensors").contains("resnet-tiny-image at 1x8x8"));
    place.succeed("prune --weights small.safetensors --sparsity 0.5 --out sparse.safetensors");
    place.succeed("train --weights sparse.safetensors --data digits --epochs 1 --lr 0.01 --out tuned");
    assert!(place.succeed("describe --weights tuned/weights.safetensors").contains("50.00 % removed"));

    for (line, said) in [
        (
            "eval --weights runs/nested/progressive-r0/weights.safetensors --data digits",
            &["`supernet extract`"][..],
        ),
        ("supernet eval --weights small.safetensors --arch max --data digits", &["not of a supernet"]),
        (&format!("supernet eval {weights} --space mlp --arch max"), &["`resnet-tiny-image`, not of `mlp`"]),
        (&format!("supernet eval {weights} --arch d.0=7"), &["`d.0` has no option `7`", "1, 2"]),
        (
            &format!("supernet eval {weights} --arch {{\"d\":[1,1],\"e\":[0.5]}}"),
            &["`d` is a list of 3 numbers, each one of 1, 2: found a list of 2"],
        ),
        (
            &format!("supernet eval {weights} --arch {{\"space\":\"mlp\",\"d\":[1,1,1]}}"),
            &["space `mlp`", "resnet-tiny-image"],
        ),
        (
            &format!("supernet eval --weights {RUN}/weights.safetensors --data life --arch max"),
            &["`resnet-tiny-image`", "`life`"],
        ),
        (&format!("supernet eval {weights}"), &["--arch", "--sample", "--corners"]),
    ] {
        place.refuse(line, said);
    }
}

#[test]
fn what_an_experiment_cannot_mean_is_refused_by_name() {
    for (from, to, said) in [
        ("d = [1]", "d = [1, 2]", &["phase `depth`", "`d` = 2, which is open already"][..]),
        ("e = [0.5, 0.75]", "d = [1]", &["phase `width`", "open already"]),
        ("e = [0.5, 0.75]", "k = [3]", &["no choice `k`", "d.0"]),
        ("resnet-tiny-image", "resnet-tiny", &["unknown family `resnet-tiny`", "resnet-tiny-image"]),
        ("subnets = 2 }", "subnets = 0 }", &["at least one sub-network"]),
        ("d = [1]", "d = []", &["phase `depth`", "no option of `d`"]),
        ("weight = 0.5", "weight = nan", &["phase `width`", "above 0, found NaN"]),
        ("[recipe]", "[recipe]\nclip = nan", &["`clip`: expected a finite number"]),
        ("learning_rate = 0.02", "learning_rate = inf", &["`learning_rate`: expected a finite number"]),
        (
            "name = \"largest\"\n",
            "name = \"largest\"\nopen = \"all\"\n",
            &["phase `depth`", "no earlier phase trains alone"],
        ),
        ("budget_of = \"progressive\"", "budget_of = \"progresive\"", &["unknown method", "progressive"]),
        ("optimizer =", "epochs = 3\noptimizer =", &["`epochs` belongs to each phase"]),
        ("name = \"depth\"", "name = \"de/pth\"", &["`de/pth`", "letters, digits"]),
        (
            "epochs = 1\nlearning_rate = 0.05",
            "epochs = 0.25\nlearning_rate = 0.05",
            &["`epochs`", "tenths", "0.25"],
        ),
        ("epochs = 1\nlearning_rate = 0.05", "epochs = nan\nlearning_rate = 0.05", &["`epochs`", "NaN"]),
        ("learning_rate = 0.02", "learning_rate = -1.0", &["phase `depth`", "`learning_rate`", "-1"]),
        ("name = \"progressive\"", "name = \"alone-1\"", &["method `alone-1`", "not `alone`"]),
        ("batch_size = 32", "batch_size = 64", &["10 batches or more", "found 5", "batch_size"]),
        ("calibration = 200", "calibration = 0", &["one image for calibration"]),
        ("calibration = 200", "random = 5000", &["no network to judge", "lower `random` from 5000"]),
        ("name = \"digits\", examples = 320", "name = \"life\"", &["`life` has no classes"]),
        ("[recipe]", "[recipe]\nuntil = \"1ep\"", &["phases have no `until`"]),
        ("[recipe]", "[recipe]\nmomentum = 1", &["`[recipe]`", "momentum"]),
        ("batch_size = 32", "batchsize = 32", &["batchsize", "line 5"]),
    ] {
        assert!(EXPERIMENT.contains(from), "{from}");
        place(&EXPERIMENT.replacen(from, to, 1)).refuse(TRAIN, said);
    }
}

#[test]
fn a_study_of_nested_networks_has_a_command_of_its_own() {
    let place = place(EXPERIMENT);
    place.refuse("run nested.toml", &["nested networks", "`supernet train`"]);
    place.refuse("plan nested.toml", &["`supernet train`"]);
}

#[test]
fn sub_networks_are_described_one_by_one_and_by_the_thousand() {
    let place = Workplace::new();
    let said = place.succeed("describe --space ofa-mbv3-w1.0 --arch max");
    assert!(said.ends_with("7664760 parameters, 7613280 prunable weights, 566170656 MACs\n"), "{said}");
    let json = place.succeed("describe --space ofa-proxyless-w1.3 --arch min --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["params"], &json["architecture"]["d"]), (&3_718_832.into(), &vec![2; 5].into()));
    let row = r#"{"r": 224, "d": [2,2,2,2,2], "ks": [3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3], "e": [3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3]}"#;
    fs::write(place.path().join("many.jsonl"), format!("{row}\n").repeat(2000)).unwrap();
    let said = place.succeed("describe --space ofa-mbv3-w1.0 --arch-list many.jsonl");
    assert_eq!(said.matches("3,410,792  121,278,672").count(), 2000);
    fs::write(place.path().join("few.csv"), "d,w.0,w.1,w.2\n1,32,,\n3,128,128,128\n").unwrap();
    let said = place.succeed("describe --space mlp --arch-list few.csv --json");
    assert!(said.contains("\"params\":2410") && said.contains("\"params\":42634"), "{said}");
    fs::write(place.path().join("bad.csv"), "d,w.0,w.1,w.2\n4,32,,\n").unwrap();
    place.refuse("describe --space mlp --arch-list bad.csv", &["`d` has no option `4`", "line 2"]);
    place.refuse("describe --space mlp --width 2", &["--width"]);
    place.put("other.txt", "something else");
    place.refuse(
        "describe --space mlp --arch other.txt",
        &["words that begin like `d=1`", "describe --space mlp"],
    );
    assert!(place.succeed("list spaces").contains("resnet-tiny-image"));
}
