//! Studies from a file, as a user meets them.

use std::fs;

use crate::{
    child,
    workplace::{Workplace, one_line_error},
};

/// A study of three runs that takes a moment.
pub(crate) const STUDY: &str = r#"kind = "prune"
title = "A first study"
sparsities = [0.9]

[data]
name = "digits"
examples = 300

[model]
name = "lenet-300-100"
width = 0.1

[training]
batch_size = 50
epochs = 3
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05

[[methods]]
criterion = "snip"
ablation = ["none", "shuffle"]
"#;

fn place(study: &str) -> Workplace {
    let place = Workplace::new();
    place.put("first.toml", study);
    place
}

/// A study that is refused, whichever command reads it, before anything is written.
pub(crate) fn refused(study: &str, expected: &[&str]) {
    let place = place(study);
    for command in ["plan", "run"] {
        place.refuse(&format!("{command} first.toml"), expected);
    }
}

/// With another line in the place of one that is there.
pub(crate) fn with(line: &str, other: &str) -> String {
    assert!(STUDY.contains(line), "{line}");
    STUDY.replace(line, other)
}

/// With other data, in one epoch of such batches, by one method.
pub(crate) fn short(data: &str, batch_size: usize, method: &str) -> String {
    let study = with("name = \"digits\"\nexamples = 300", data);
    let study =
        study.replace("batch_size = 50\nepochs = 3", &format!("batch_size = {batch_size}\nepochs = 1"));
    study.replace("criterion = \"snip\"\nablation = [\"none\", \"shuffle\"]", method)
}

/// The digits that a network learns by half of the images of each class, begun with what it knows of the others.
#[test]
fn a_study_of_weights_from_another_task_begins_with_them_and_others_are_other_runs() {
    let study =
        STUDY.replace("examples = 300", "per_class = 20\naugment = [{ padded-crop = { padding = 1 } }]");
    let study = study
        .replace("width = 0.1\n", "")
        .replace("[[methods]]", "[transfer]\nweights = \"start.safetensors\"\n\n[[methods]]");
    let place = place(&study);
    place.succeed("train --model lenet-300-100 --data digits --epochs 2 --out run");
    place.put("start.safetensors", place.read("run/weights.safetensors"));
    assert!(place.succeed("run first.toml").contains("3 runs done, 3 in all"));
    let csv = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(place.succeed("run first.toml").contains("0 runs done, 3 in all"));

    place.succeed("train --model lenet-300-100 --data digits --epochs 1 --out other");
    // What was started is what is shown, whatever became of the file.
    fs::remove_file(place.path().join("start.safetensors")).unwrap();
    assert!(place.succeed("report first").starts_with("3 of 3 runs"));
    place.put("start.safetensors", place.read("other/weights.safetensors"));
    assert!(place.succeed("report first --format csv").starts_with("3 of 3 runs"));
    assert_eq!(String::from_utf8(place.read("runs/first/results.csv")).unwrap(), csv);
    let anew = place.run("run first.toml");
    assert!(anew.out.contains("3 runs done, 3 in all"), "{anew:#?}");
    assert!(anew.err.contains("the weights of `transfer` have changed since"), "{anew:#?}");
    assert_ne!(String::from_utf8(place.read("runs/first/results.csv")).unwrap(), csv);
    place.put("first.toml", study.replace("lenet-300-100", "lenet-5"));
    place.refuse("plan first.toml", &["the weights of `transfer` are those of `lenet-300-100`"]);
    place.put("first.toml", study.replace("start.safetensors", "none.safetensors"));
    place.refuse("plan first.toml", &["none.safetensors"]);
    let digest = study.replace("[transfer]", "[transfer]\ndigest = \"00\"");
    place.put("first.toml", digest);
    place.refuse("plan first.toml", &["other weights than `transfer.digest` names"]);
}

#[test]
fn a_key_or_a_name_that_is_not_there_is_named_with_its_line_and_the_nearest_one() {
    refused(&with("epochs = 3", "epoch = 3"), &["unknown key `epoch`", "epochs", "first.toml, line 15"]);
    refused(&with("criterion =", "criterium ="), &["`criterium`", "criterion", "line 20"]);
    refused(&with("\"shuffle\"", "\"shufle\""), &["unknown value `shufle`", "shuffle", "line 21"]);
    refused(&with("kind = \"prune\"", "kind = \"prun\""), &["`prun`", "prune", "line 1"]);
    refused(&with("\"snip\"", "\"snap\""), &["unknown criterion `snap`", "snip"]);
    refused(&with("\"digits\"", "\"digit\""), &["unknown data set `digit`", "digits"]);
    let boards = "\"life\"\noptions = { life = { side = 1000000000000 } }";
    refused(&with("\"digits\"", boards), &["side is 1000000000000", "3 to 4096"]);
    refused(&with("\"lenet-300-100\"", "\"lenet\""), &["unknown model `lenet`", "lenet-5"]);
    refused(&with("epochs = 3", "epochs = \"3\""), &["line 15", "invalid type"]);
    refused(&with("epochs = 3", "epochs = = 3"), &["line 15"]);
    let place = place(STUDY);
    place.refuse("plan first.toml --set training.epoch=2", &["--set training.epoch=2", "epochs"]);
    place.refuse("plan first.toml --set methods.7.at=end", &["counted from 0"]);
    place.refuse("plan frist.toml", &["cannot read the study", "frist.toml"]);
    place.refuse("status first", &["there is no study in", "run STUDY.toml"]);
    place.refuse("status first.2", &["there is no study in runs/first.2"]);
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_written() {
    let method = |settings: &str| format!("{STUDY}\n[[methods]]\n{settings}\n");
    refused(&method("criterion = \"magnitude\"\nat = \"9ep\""), &["`at` is 9ep", "beyond the end"]);
    refused(
        &method("criterion = \"magnitude\"\nat = \"end\"\nretrain = { rewind = \"3ep\" }"),
        &["goes back to 3ep", "nothing would be trained"],
    );
    refused(
        &method("criterion = \"magnitude\"\nat = \"end\"\nablation = \"reinit\""),
        &["`reinit` draws new initial weights"],
    );
    refused(&method("criterion = \"magnitude\"\niterative = true"), &["say `at = \"end\"`"]);
    refused(&method("at = \"end\""), &["it has no `criterion`"]);
    refused(
        &method("criterion = \"magnitude\"\ngranularity = \"2:4\"\nsparsity = 0.9"),
        &["this pattern removes 0.5 of the weights, not 0.9"],
    );
    refused(&method("criterion = \"magnitude\"\nexcept = [\"nope\"]"), &["`nope` describes no layer"]);
    refused(
        &method(
            "criterion = \"snip\"\nduring = { kind = \"gradual\", begin = \"0ep\", end = \"2ep\", every = \"1it\" }",
        ),
        &["leave `criterion` out"],
    );
    refused(
        &method("during = { kind = \"gradual\", begin = \"0ep\", end = \"9ep\", every = \"1it\" }"),
        &["must be within the run of 18it"],
    );
    refused(&method("criterion = \"snip\"\noptions = { temprature = 2 }"), &["temprature"]);
    refused(&with("sparsities = [0.9]", ""), &["a method has no sparsity"]);
    refused(&with("sparsities = [0.9]", "sparsities = [1.9]"), &["out of range"]);
    refused(&with("sparsities = [0.9]", "replicates = 0"), &["`replicates`"]);
    refused(&with("width = 0.1", "overcompleteness = 2"), &["model.overcompleteness", "no such option"]);
    refused(&with("examples = 300", "augment = true"), &["no augmentation is customary"]);
    let life = STUDY
        .replace("name = \"digits\"\nexamples = 300", "name = \"life\"")
        .replace("name = \"lenet-300-100\"\nwidth = 0.1", "name = \"life-net\"");
    refused(
        &life.replace("ablation", "examples = { per-class = 10 }\nablation"),
        &["`per-class` needs a data set with classes"],
    );
    refused(
        &life.replace("epochs = 3", "epochs = 3\nlabel_smoothing = 0.1"),
        &["smoothing of labels is for classes", "`life` has none", "first.toml"],
    );
    refused(
        &with("\"lenet-300-100\"", "\"mobilenet-v2\"").replace("batch_size = 50", "batch_size = 1"),
        &["sees a single value of each channel", "batches of 2 or more", "first.toml"],
    );
    let place = place(&with("\"digits\"", "\"mnist\""));
    place.succeed("plan first.toml");
    let outcome = place.run("run first.toml");
    one_line_error("run", &outcome, &["mnist", "data get mnist"]);
}

#[test]
fn two_methods_of_one_name_are_refused_where_tables_would_take_them_for_one() {
    let method = |settings: &str| format!("{STUDY}\n[[methods]]\ncriterion = \"snip\"\n{settings}\n");
    refused(
        &method("granularity = \"filter\""),
        &["two methods are called `snip at init`", "`granularity`", "a `name`"],
    );
    refused(&method("epochs = 1"), &["two methods are called `snip at init`", "`epochs`"]);
    let named = place(&method("granularity = \"filter\"\nname = \"filters\""));
    assert!(named.succeed("plan first.toml").contains("4 runs, 4 to do"));
    // Of one method more sparsities, or other controls, are the same method.
    let more = place(&method("sparsity = 0.5\nablation = \"invert\""));
    assert!(more.succeed("plan first.toml").contains("4 runs, 4 to do"));
    refused(
        &method("at = \"end\"\nretrain = { fine-tune = { epochs = 2 } }\nepochs = 1"),
        &["fine-tuning says 2"],
    );
    refused(
        &method("name = \"both\"\nquantize = \"int8\"\nshare = { bits = 5 }"),
        &["leave `share` or `quantize` out"],
    );
    refused(
        &format!("{STUDY}\n[[methods]]\nquantize = \"int8\"\nsparsity = 0.5\n"),
        &["it rounds and prunes nothing: leave `sparsity` out"],
    );
    // What is exact in digits is not in binary.
    let pattern = place(&method("name = \"pattern\"\ngranularity = \"4:5\"\nsparsity = 0.2"));
    pattern.succeed("plan first.toml");
}

#[test]
fn a_run_that_two_variants_of_a_sweep_ask_for_is_told_in_both() {
    let study = with("[[methods]]", "[sweep]\nmethods.1.at = [\"1ep\", \"2ep\"]\n\n[[methods]]");
    let place = place(&format!("{study}\n[[methods]]\ncriterion = \"magnitude\"\n"));
    assert!(place.succeed("run first.toml").contains("5 runs done, 5 in all"));
    let csv = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    for variant in ["at 1ep", "at 2ep"] {
        let lines: Vec<&str> = csv.lines().filter(|line| line.starts_with(&format!("{variant},"))).collect();
        assert_eq!(lines.len(), 4, "{csv}");
        assert!(lines.iter().any(|line| line.starts_with(&format!("{variant},dense,"))), "{csv}");
    }
    place.succeed("report first");
}

#[test]
fn shared_weights_of_a_network_without_channels_are_a_file_that_opens() {
    let study = with(
        "\"snip\"\nablation = [\"none\", \"shuffle\"]",
        "\"magnitude\"\nat = \"end\"\nshare = { bits = 4, epochs = 1 }",
    );
    let study = study.replace("[[methods]]", "[[methods]]\ngranularity = \"channel\"\nsparsity = 0.5");
    let place = place(&study);
    assert!(place.succeed("run first.toml").contains("3 runs done, 3 in all"));
    let csv = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    let macs = |name: &str| {
        let line = csv.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} in {csv}"));
        line.rsplit(',').nth(8).unwrap().parse::<f64>().unwrap()
    };
    let hash = csv.lines().last().unwrap().rsplit(',').nth(12).unwrap().to_string();
    let [dense, shared] = [macs(",dense,"), macs("4 bits")];
    assert!(shared < 0.7 * dense, "{csv}");
    let described = place.succeed(&format!("describe --weights runs/first/{hash}/r0/weights.safetensors"));
    assert!(described.contains(&format!("{shared} MACs")), "{described}");
}

#[test]
fn a_study_is_planned_run_and_reported() {
    let place = place(STUDY);
    let plan = place.succeed("plan first.toml");
    assert!(plan.contains("3 runs, 3 to do") && plan.contains("snip at init"), "{plan}");
    assert!(!place.has("runs"), "planning writes nothing");
    let said = place.succeed("run first.toml");
    assert!(said.contains("3 runs done, 3 in all"), "{said}");
    assert!(place.succeed("plan first.toml").contains("3 runs, 0 to do"));
    assert!(place.succeed("run first.toml").contains("0 runs done, 3 in all"));

    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    for part in
        ["A first study", "Controls", "Paired comparisons", "What it cost", "What is left of each layer"]
    {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains(" src=") && !html.contains(" href="), "the page asks for something outside it");
    let ledger = String::from_utf8(place.read("runs/first/ledger.csv")).unwrap();
    assert_eq!(ledger.lines().count(), 1 + 3 + 1);
    // Three epochs of 300 examples, three passes over 6,930 weights and no bias.
    let dense = 3.0 * 3.0 * 300.0 * f64::from(64 * 30 + 30 * 10 + 10 * 10);
    assert!(ledger.contains(&format!(",900,{dense},{dense},")), "{ledger}");

    place.succeed("report first --format jsonl");
    let lines = String::from_utf8(place.read("runs/first/results.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1]["method"], "snip at init");
    assert_eq!(rows[1]["kept"], 232);
    assert_eq!(rows[1]["curve"].as_array().unwrap().len(), 3);

    place.succeed("report first --format tensorboard");
    assert!(place.has("runs/first/events/snip_at_init_shuffle_0.9_r0/events.out.tfevents"));
    place.refuse("report first --grid wrld", &["wrld", "world"]);
    place.refuse("report first --pue 0.5", &["at least 1"]);
}

#[test]
fn settings_of_the_command_line_make_other_runs_beside_those_that_are_there() {
    let place = place(STUDY);
    place.succeed("run first.toml --set training.epochs=1");
    let frozen = String::from_utf8(place.read("runs/first/study.toml")).unwrap();
    assert!(frozen.contains("epochs = 1"), "{frozen}");
    assert!(place.succeed("status first").contains("done"));
    assert!(place.succeed("plan first.toml").contains("3 runs, 3 to do"));
    assert!(place.succeed("plan first.toml --set training.epochs=1").contains("3 runs, 0 to do"));
    // The frozen file is this study, by which its page can be made again.
    assert!(place.succeed("run runs/first/study.toml").contains("0 runs done, 3 in all: runs/first"));
    assert!(!place.has("runs/study"));
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert!(html.contains("sapwood run runs/first/study.toml"), "{html}");
    // What has no effect makes no other run.
    place.put("first.toml", format!("{STUDY}allocation = \"global\"\ngranularity = \"weight\"\n"));
    assert!(place.succeed("plan first.toml --set training.epochs=1").contains("3 runs, 0 to do"));
}

#[test]
fn a_run_that_was_removed_is_done_again_to_the_same_bytes() {
    let place = place(STUDY);
    place.succeed("run first.toml");
    let before = place.read("runs/first/results.csv");
    let runs = fs::read_dir(place.path().join("runs/first")).unwrap().flatten();
    let run = runs.map(|entry| entry.path()).find(|path| path.join("r0").is_dir()).unwrap();
    fs::remove_dir_all(&run).unwrap();
    assert!(place.succeed("run first.toml").contains("1 runs done, 3 in all"));
    assert_eq!(place.read("runs/first/results.csv"), before);

    // Half of one, too: without its weights a run is not done.
    fs::remove_file(run.join("r0/weights.safetensors")).unwrap();
    fs::remove_dir_all(run.join("r0/checkpoints")).unwrap();
    assert!(place.succeed("plan first.toml").contains("3 runs, 1 to do"));
    assert!(place.succeed("run first.toml").contains("1 runs done"));
    assert_eq!(place.read("runs/first/results.csv"), before);

    // And with weights, but without what says whose they are.
    for file in ["config.json", "record.json"] {
        fs::remove_file(run.join("r0").join(file)).unwrap();
    }
    assert!(place.succeed("run first.toml").contains("1 runs done"));
    assert_eq!(place.read("runs/first/results.csv"), before);
}

#[test]
fn a_record_of_another_version_is_named_and_nothing_is_lost() {
    let place = place(STUDY);
    place.succeed("run first.toml");
    let name = place.names().into_iter().find(|path| path.ends_with("record.json")).unwrap();
    let name = name.to_string_lossy().into_owned();
    let record = String::from_utf8(place.read(&name)).unwrap();
    place.put(&name, record.replace("\"macs\"", "\"flops\""));
    place.refuse(
        "report first",
        &["not a record of this version", "flops", "removed", &name].map(|part| match part {
            "flops" => "macs",
            "removed" => "remove the folder",
            part => part,
        }),
    );
}

#[test]
fn a_run_that_fails_is_kept_apart_and_can_be_tried_again() {
    let place = place(&with("learning_rate = 0.05", "learning_rate = 1e30"));
    let outcome = place.run("run first.toml");
    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    assert!(
        outcome.err.contains("3 runs have failed") && outcome.err.contains("retry --failed runs/first"),
        "{outcome:#?}"
    );
    let status = place.succeed("status first");
    assert!(status.contains("failed   ") && status.contains("lower the learning rate"), "{status}");
    assert!(place.succeed("retry --failed first").contains("3 failed runs"));
    assert!(place.succeed("plan first.toml").contains("3 runs, 3 to do"));
}

/// Two workers share the runs, and no run is done twice.
#[test]
fn of_two_workers_each_run_is_done_by_one() {
    let place = place(&with("sparsities = [0.9]", "sparsities = [0.9]\nreplicates = 6"));
    let list = place.succeed("run first.toml --workers 2 --launcher commands");
    assert_eq!(list.lines().count(), 2, "{list}");
    let start = || child::command(place.path(), &["worker", "runs/first"]).spawn().unwrap();
    let workers = [start(), start()];
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let (mut runs, mut begun) = (0, 0);
    for name in place.names().into_iter().filter(|name| name.ends_with("log.txt")) {
        let log = String::from_utf8(place.read(&name.to_string_lossy())).unwrap();
        runs += 1;
        begun += log.matches("Sapwood ").count();
    }
    assert_eq!((runs, begun), (18, 18));
    assert!(place.succeed("clean --checkpoints first").contains("checkpoints of 18 runs removed"));
    assert!(place.succeed("status first").contains("18"));
}

/// The studies that the project itself reports can be planned, and those whose results it
/// shows say so on a page.
#[test]
fn the_projects_own_studies_can_be_planned() {
    let experiments = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let files = fs::read_dir(&experiments).unwrap().flatten().map(|entry| entry.path());
    let studies: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    assert!(studies.len() >= 5, "{studies:?}");
    let place = Workplace::new();
    for study in studies {
        let text = fs::read_to_string(&study).unwrap();
        if text.contains("kind = \"supernet\"") {
            sapwood_lab::supernet::SupernetExperiment::read(&study).unwrap();
            continue;
        }
        if text.contains("kind = \"search\"") {
            sapwood_lab::deployment::SearchExperiment::read(&study).unwrap();
            continue;
        }
        let plan = place.succeed(&format!("plan {}", study.display()));
        assert!(plan.contains(" runs, "), "{plan}");
    }
}

/// A network is proven to have learnt Life, or not, and a twin shows how far two trainings
/// are apart.
#[test]
fn a_study_of_life_says_who_learnt_the_rule_and_twins_are_compared() {
    let study = STUDY
        .replace(
            "name = \"digits\"\nexamples = 300",
            "name = \"life\"\noptions = { life = { examples = 60, test_examples = 4 } }",
        )
        .replace("name = \"lenet-300-100\"\nwidth = 0.1", "name = \"life-net\"")
        .replace("ablation = [\"none\", \"shuffle\"]", "sparsity = 0.5\nconnectivity = true");
    let place = place(&study);
    assert!(place.succeed("run first.toml").contains("3 runs done"));
    let csv = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|found| *found == name).unwrap();
    let of = |name: &str| rows[1..].iter().map(|row| row[column(name)]).collect::<Vec<_>>();
    // A few steps with the minimal network teach no rule.
    assert_eq!(of("rule"), ["false"; 3]);
    assert_eq!(of("order"), ["0", "0", "1"]);
    let instability = of("instability");
    assert_eq!(instability[..2], ["", ""]);
    // The largest of the points, the ends among them, is at least their mean.
    assert!(instability[2].parse::<f64>().unwrap() >= 0.0, "{csv}");
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert!(html.contains("Linear mode connectivity") && html.contains("rule learnt"));
}
