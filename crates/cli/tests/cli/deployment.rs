//! One supernet for several devices, from its training to what it cost.

use std::{
    fs,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{child, workplace::Workplace};

const STUDY: &str = r#"
name = "devices"
kind = "search"
family = "mlp"
batch_size = 32
data = { name = "digits", held_out = 200 }

[recipe]
optimizer = { name = "sgd", momentum = 0.9, nesterov = true }

[[phase]]
name = "all"
open = "all"
rule = { name = "random", subnets = 2 }
epochs = 4
learning_rate = 0.05

[pairs]
count = 20
calibration = 200

[latency]
rounds = 3
runs = 2

[search]
limits = [1000.0, "100%"]
evaluations = 100
method = "random"

[fine_tuning]
epochs = 0.5
learning_rate = 0.01

[alone]
epochs = 4
learning_rate = 0.05
"#;
const RUN: &str = "search devices.toml --checkpoint-every 1";

fn place(study: &str) -> Workplace {
    let place = Workplace::new();
    place.put("devices.toml", study);
    place
}

#[test]
fn networks_are_found_tuned_measured_and_priced() {
    let whole = place(STUDY);
    let said = whole.succeed(RUN);
    for expected in ["fine-tuned, test, %", "Kendall tau", "the supernet", "alone, 100%", "each by itself"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Milliseconds that are predicted are within the limit; what was learnt is worth something.
    let row = said.lines().find(|line| line.contains("(1000 ms)")).unwrap();
    let numbers: Vec<f64> =
        row.split_whitespace().rev().map_while(|cell| cell.replace(',', "").parse().ok()).collect();
    let [alone, tuned, cut, held_out, predicted, ..] = numbers[..] else { panic!("{row}") };
    assert!(
        [alone, tuned, cut, held_out, predicted].iter().all(|top1| (70.0..=100.0).contains(top1)),
        "{row}"
    );
    assert!((held_out - predicted).abs() < 10.0, "{row}");
    let page = String::from_utf8(whole.read("runs/devices/report.html")).unwrap();
    assert!(page.contains("Predicted and true") && page.contains("takes less time than"), "{page}");
    // Held-out and test accuracies have axes of their own, which say so.
    assert!(
        page.contains(" held-out training images, %") && page.contains("top-1 of the test split, %"),
        "{page}"
    );
    assert!(!page.contains(">top-1, %<"), "{page}");
    // What was found is an ordinary network.
    let weights = step(&whole, "tuned").remove(0) + "/weights.safetensors";
    let judged = whole.succeed(&format!("eval --weights {weights} --data digits"));
    assert!(judged.contains(&format!("{tuned:.2}")), "{judged}{row}");

    // A step that is done is only read.
    let before = whole.files();
    assert_eq!(whole.succeed(RUN), said);
    assert_eq!(whole.files(), before);

    // Checkpoints that a kill has left behind the record go.
    let left = step(&whole, "supernet").remove(0) + "/checkpoints";
    whole.put(&format!("{left}/1-all/checkpoint-000000000001.sapwood"), "");
    whole.succeed(RUN);
    assert!(!whole.has(&left));

    // What was found and measured by times that are taken anew goes with them.
    let [times, found, measured] =
        ["latencies", "search", "measured"].map(|name| step(&whole, name).remove(0));
    let old = [found, measured].map(|step| format!("{step}/old"));
    old.iter().for_each(|file| whole.put(file, ""));
    fs::remove_dir_all(whole.path().join(times)).unwrap();
    whole.succeed(RUN);
    assert!(!old.iter().any(|file| whole.has(file)));
    assert_eq!(step(&whole, "search").len(), 1);

    // One that was killed goes on, to the same bytes as far as no clock has a say.
    let killed = place(STUDY);
    for step in ["supernet", "alone"] {
        kill_within(&killed, step);
    }
    killed.succeed(RUN);
    for (name, file) in [
        ("supernet", "weights.safetensors"),
        ("supernet", "record.json"),
        ("largest", "record.json"),
        ("pairs", "pairs.csv"),
    ] {
        let [one, other] = [&whole, &killed].map(|place| step(place, name));
        assert!(one.len() == 1 && one == other, "{one:?} {other:?}");
        let file = format!("{}/{file}", one[0]);
        assert!(whole.read(&file) == killed.read(&file), "{file} differs");
    }

    // Other settings of a step leave those before it alone.
    killed.put("devices.toml", STUDY.replace("count = 20", "count = 200"));
    killed.succeed(RUN);
    // As many as the space has.
    let page = String::from_utf8(killed.read("runs/devices/report.html")).unwrap();
    assert!(page.contains("From 39 judged networks"), "{page}");
    let steps = || ["supernet", "largest", "pairs"].map(|name| step(&killed, name).len());
    assert_eq!(steps(), [1, 1, 2]);
    // The largest network has the statistics of as many images as the others, and is not trained again for that; a
    // supernet of an earlier version says how good it was.
    let [supernet, largest] =
        ["supernet", "largest"].map(|name| step(&killed, name).remove(0) + "/record.json");
    killed.put(&supernet, killed.read(&largest));
    killed.put("devices.toml", STUDY.replace("calibration = 200", "calibration = 50"));
    killed.succeed(RUN);
    assert_eq!(steps(), [1, 2, 3]);
    whole.put("devices.toml", STUDY.replace("[1000.0, \"100%\"]", "[1e-6]"));
    let outcome = whole.run(RUN);
    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    assert!(
        outcome
            .err
            .contains("found nothing that satisfies `latency_ms <= 0.000001` in 256 draws and 4 descents"),
        "{outcome:#?}"
    );
}

/// The folders of a step.
fn step(place: &Workplace, name: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path().join("runs/devices")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|found| found.starts_with(&format!("{name}-"))).collect();
    names.sort();
    names.into_iter().map(|name| format!("runs/devices/{name}")).collect()
}

/// Kills the study in the middle of the training of a step.
fn kill_within(place: &Workplace, name: &str) {
    let args: Vec<&str> = RUN.split_whitespace().collect();
    let mut process = child::command(place.path(), &args);
    let mut process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let written = || {
        let runs = step(place, name).into_iter().map(|run| place.path().join(run).join("checkpoints"));
        runs.filter_map(|run| fs::read_dir(run).ok()).any(|mut files| files.next().is_some())
    };
    while !written() {
        assert!(process.try_wait().unwrap().is_none(), "it ended before `{name}`: {:#?}", place.run(RUN));
        assert!(start.elapsed() < Duration::from_secs(120), "`{name}` never came");
        sleep(Duration::from_micros(200));
    }
    process.kill().unwrap();
    assert!(process.wait().unwrap().code().is_none());
    let done = step(place, name).iter().any(|run| place.has(&format!("{run}/record.json")));
    assert!(!done, "`{name}` was over already");
}

#[test]
fn what_cannot_be_carried_out_is_told_at_once() {
    for (from, to, expected) in [
        (", held_out = 200", "", "`data.held_out`: expected how many training images are held out"),
        ("held_out = 200", "held_out = 100000", "expected to keep back from 1 to"),
        ("[1000.0, \"100%\"]", "[]", "`search.limits`: expected at least one latency"),
        ("[1000.0, \"100%\"]", "[-1]", "a limit is a number of milliseconds above 0"),
        ("method = \"random\"", "method = \"oracle\"", "oracle"),
        ("epochs = 0.5", "epochs = 0.55", "`epochs`: expected tenths"),
        ("family = \"mlp\"", "family = \"mpl\"", "mlp"),
        ("kind = \"search\"", "kind = \"supernet\"", "found `supernet`: `supernet train` carries it out"),
        ("rounds = 3", "round = 3", "rounds"),
    ] {
        assert!(STUDY.contains(from), "{from}");
        place(&STUDY.replace(from, to)).refuse(RUN, &[expected]);
    }
    let [search, nested] = ["found `search`: `search` carries it out", "expected kind `supernet`"];
    place(STUDY).refuse("plan devices.toml", &["expected kind `prune`", search]);
    place(STUDY).refuse("supernet train devices.toml", &[nested, search]);
    place(STUDY).refuse("search", &["--space"]);
    place(STUDY).refuse("search devices.toml --space mlp", &["--space"]);
    for option in ["--device cpu", "--out runs", "--checkpoint-every 5", "--watts 5"] {
        place(STUDY).refuse(&format!("search --space mlp {option}"), &["--space"]);
    }
}

#[test]
fn the_published_table_tells_from_how_many_devices_on_it_pays() {
    let place = Workplace::new();
    let said = place.succeed("economics --devices 1,40");
    assert!(
        said.contains("`OFA` takes less time than `ProxylessNAS` from 3 devices on (break-even: 2.48)."),
        "{said}"
    );
    assert!(said.lines().any(|line| line.starts_with("OFA ") && line.contains("1240")), "{said}");
    place.refuse("economics --of XYZ", &["XYZ"]);
}
