//! What the command line tells of what goes on: nothing unless it is asked to.

use serde_json::Value;

use crate::{
    child,
    studies::STUDY,
    workplace::{NET, Workplace},
};

const TRAIN: &str = "train --model lenet-300-100 --width 0.1 --data digits --epochs 2 --out run";

/// The lines of the standard error, each an event.
fn events(err: &str) -> Vec<Value> {
    let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    err.lines().map(event).collect()
}

fn of<'a>(events: &'a [Value], message: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["fields"]["message"] == message).collect()
}

#[test]
fn without_a_word_nothing_is_told_but_what_always_was() {
    let place = Workplace::with_net();
    assert_eq!(place.run("list models").err, "");
    let said = place.run(TRAIN).err;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("epoch ")), "{said}");
    let pruned = place.run(&format!("prune --weights {NET} --sparsity 0.5 --out p.safetensors"));
    assert_eq!((pruned.code, pruned.err.as_str()), (Some(0), ""));
}

#[test]
fn events_stand_in_the_place_of_notes_and_change_no_result() {
    let (quiet, telling) = (Workplace::new(), Workplace::new());
    let (without, with) = (quiet.run(TRAIN), telling.run(&format!("{TRAIN} -v")));
    assert_eq!((with.code, &with.out), (Some(0), &without.out));
    for file in ["run/weights.safetensors", "run/curve.csv", "run/record.json"] {
        assert_eq!(quiet.read(file), telling.read(file), "{file}");
    }
    let lines = |what: &str| with.err.lines().filter(|line| line.contains(what)).count();
    assert_eq!([lines("epoch=1 epochs=2"), lines("epoch=2 epochs=2"), lines("epoch 1/2")], [1, 1, 0]);
    assert!(lines("checkpoint written") > 0 && lines("close time.busy=") > 0, "{}", with.err);
    assert_eq!(lines("step"), 0);
}

#[test]
fn decisions_are_told_when_they_are_asked_for() {
    let place = Workplace::with_net();
    let prune =
        format!("prune --weights {NET} --criterion snip --data digits --sparsity 0.5 --exclude fc3.*");
    place.succeed(&format!("{prune} --out quiet.safetensors"));
    let told = place.run(&format!("{prune} --out told.safetensors -vv"));
    assert_eq!(place.read("quiet.safetensors"), place.read("told.safetensors"));
    for said in
        ["weight file read", "scoring{criterion=\"snip\" needs=Gradient", "layer left whole layer=fc3.weight"]
    {
        assert!(told.err.contains(said), "`{said}` is missing: {}", told.err);
    }
    assert!(!told.err.contains("operation="), "{}", told.err);
    let steps = place.run(&format!("{prune} --out again.safetensors -vvv")).err;
    assert!(steps.contains("operation=\"activation\" kernel=true"), "{steps}");
}

#[test]
fn every_line_is_json_where_that_is_asked_for_an_error_too() {
    let place = Workplace::new();
    let told = place.run(&format!("{TRAIN} --log-json"));
    assert_eq!(told.code, Some(0), "{told:?}");
    let all = events(&told.err);
    let epochs = of(&all, "epoch");
    assert_eq!(epochs.len(), 2);
    for (number, event) in (1..).zip(epochs) {
        let fields = &event["fields"];
        assert_eq!((&event["level"], &fields["epoch"]), (&"INFO".into(), &Value::from(number)));
        assert!(fields["training_loss"].is_f64() && fields["test_loss"].is_f64() && fields["top1"].is_f64());
        assert!(event["timestamp"].is_string() && event["spans"][0]["name"] == "training");
    }
    let closed = of(&all, "close")[0];
    assert!(closed["span"]["name"] == "training" && closed["fields"]["time.busy"].is_string(), "{closed}");
    let failed = place.run("eval --weights nothing.safetensors --data digits --log-json");
    assert_eq!(failed.code, Some(2));
    let all = events(&failed.err);
    let last = all.last().unwrap();
    assert!(
        last["level"] == "ERROR"
            && last["fields"]["message"].as_str().unwrap().contains("nothing.safetensors")
    );
}

#[test]
fn the_environment_chooses_by_crate_and_what_it_means_is_checked() {
    let place = Workplace::new();
    let args: Vec<&str> = TRAIN.split_whitespace().collect();
    let with = |value: &str| child::finish(child::command(place.path(), &args).env("RUST_LOG", value));
    let refused = with("sapwood=loud");
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.lines().count() == 1 && refused.err.contains("RUST_LOG"), "{refused:?}");
    let told = with("sapwood_data=debug");
    let has = |what: &str| told.err.contains(what);
    // Notes stay: not all of them are among these events.
    assert!(has("data set read") && has("epoch 1/2") && !has("epoch=1") && !has("device chosen"), "{told:?}");
}

#[test]
fn a_program_may_run_command_lines_one_after_another() {
    for words in [
        &["sapwood", "list", "models", "-v"][..],
        &["sapwood", "-vv", "list", "models"],
        &["sapwood", "list", "models"],
    ] {
        let mut out = Vec::new();
        sapwood_cli::run(words.iter().map(Into::into), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("lenet-300-100"));
    }
}

/// The lines of all logs, without times and the line that names a process.
fn logs(place: &Workplace) -> Vec<String> {
    let names = place.names().into_iter().filter(|name| name.ends_with("log.txt"));
    let text = |name: std::path::PathBuf| String::from_utf8(place.read(&name.to_string_lossy())).unwrap();
    let mut lines = Vec::new();
    for log in names.map(text) {
        for line in log.lines() {
            let (seconds, said) = line.split_once(" s  ").unwrap();
            assert!(seconds.trim().parse::<f64>().is_ok(), "{line}");
            lines.push(if said.starts_with("Sapwood ") { "Sapwood".into() } else { said.to_string() });
        }
    }
    lines
}

#[test]
fn a_runs_log_has_the_same_lines_whoever_else_listens() {
    let (quiet, telling) = (Workplace::new(), Workplace::new());
    quiet.put("first.toml", STUDY);
    telling.put("first.toml", STUDY);
    let without = quiet.run("run first.toml");
    // Said once: the energies that this machine does not measure.
    let unmeasured = sapwood_lab::unmeasured("cpu", None).into_iter().map(|why| format!("note: {why}\n"));
    assert_eq!((without.code, without.err), (Some(0), unmeasured.collect::<String>()));
    let again = quiet.run("run first.toml");
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""), "no energy is new");
    let told = telling.run("run first.toml --log-json -vv");
    assert_eq!((told.code, &told.out), (Some(0), &without.out));
    assert_eq!(logs(&quiet), logs(&telling));
    let lines = logs(&quiet);
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!([count("Sapwood"), count("epoch 1/3: training loss "), count("epoch 3/3: ")], [3, 3, 3]);
    assert!(
        lines
            .iter()
            .all(|line| line == "Sapwood" || line.starts_with("epoch ") || line.starts_with("warning: ")),
        "{lines:?}"
    );

    let all = events(&told.err);
    for (message, times) in
        [("run begun", 3), ("run done", 3), ("claim taken", 3), ("claim given back", 3), ("epoch", 9)]
    {
        assert_eq!(of(&all, message).len(), times, "{message}");
    }
    let runs: Vec<&Value> = of(&all, "epoch").iter().map(|event| &event["spans"][0]).collect();
    assert!(runs.iter().all(|span| span["name"] == "run" && span["folder"].is_string()), "{runs:?}");
}

/// What a worker in another process tells stands in its log.
#[test]
fn workers_that_are_started_tell_as_much() {
    let place = Workplace::new();
    place.put("first.toml", STUDY);
    let list = place.succeed("run first.toml --workers 2 --launcher commands -vv --log-json");
    assert!(
        list.lines().count() == 2 && list.lines().all(|line| line.ends_with(" -vv --log-json")),
        "{list}"
    );
}
