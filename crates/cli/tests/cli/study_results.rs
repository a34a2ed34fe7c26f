//! What studies come to: which network begins with which, and what tables say of it.

use std::fs;

use sapwood_core::StateFile;
use sapwood_lab::{
    Datasets,
    study::{Group, Plan, Results, StudyFolder},
};
use sapwood_prune::Criteria;

use crate::{studies::STUDY, workplace::Workplace};

/// A study with these methods in the place of its own.
fn study(methods: &str) -> String {
    format!("{}\n{methods}", STUDY.split("[[methods]]").next().unwrap())
}

fn place(methods: &str) -> Workplace {
    let place = Workplace::new();
    place.put("first.toml", study(methods));
    place
}

/// A column of `results.csv`.
pub(crate) fn column(place: &Workplace, name: &str) -> Vec<String> {
    let csv = place.read("runs/first/results.csv");
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let at = reader.headers().unwrap().iter().position(|found| found == name).unwrap();
    reader.records().map(|row| row.unwrap()[at].to_string()).collect()
}

#[test]
fn a_level_that_trains_on_begins_with_the_trained_weights_of_the_level_before() {
    let place = place(
        "[[methods]]\ncriterion = \"magnitude\"\nat = \"end\"\niterative = true\nsparsity = [0.5, 0.8]\n",
    );
    assert!(place.succeed("run first.toml").contains("3 runs done"));
    let runs = column(&place, "run");
    let file = |run: usize, name: &str| {
        let file = format!("runs/first/{}/r0/{name}.safetensors", runs[run]);
        StateFile::from_bytes(&place.read(&file)).unwrap()
    };
    for level in [1, 2] {
        let begun = file(level, "pruned");
        let mut expected = file(level - 1, "weights").state;
        expected.apply(&begun.masks).unwrap();
        assert_eq!(begun.state, expected, "level {level}");
    }
}

#[test]
fn an_interrupted_run_that_had_passed_a_position_asked_for_since_is_done_once_more() {
    let method = |at: &str| format!("[[methods]]\ncriterion = \"magnitude\"\nat = \"{at}\"\n");
    let place = place(&method("end"));
    assert!(place.succeed("run first.toml").contains("2 runs done"));
    let dense = format!("runs/first/{}/r0", column(&place, "run")[0]);
    let before = place.read(&format!("{dense}/weights.safetensors"));
    // As whoever was killed after its last checkpoint leaves it.
    fs::remove_file(place.path().join(&dense).join("record.json")).unwrap();
    place.put("first.toml", study(&format!("{}{}", method("end"), method("1ep"))));
    assert!(place.succeed("run first.toml").contains("2 runs done, 3 in all"));
    assert_eq!(place.read(&format!("{dense}/weights.safetensors")), before);
    assert!(place.has(&format!("{dense}/weights-1ep.safetensors")));
}

/// Two methods that mean the same run, of which one has a twin.
const SAME: &str = r#"[[methods]]
criterion = "snip"
sparsity = [0.5, 0.9]

[[methods]]
name = "again"
criterion = "snip"
sparsity = 0.9
connectivity = true
"#;

#[test]
fn a_run_that_two_methods_mean_stands_under_both_names() {
    let place = place(SAME);
    assert!(place.succeed("run first.toml").contains("4 runs done"));
    assert_eq!(column(&place, "method"), ["dense", "snip at init", "snip at init", "again", "again"]);
    assert_eq!(column(&place, "order"), ["0", "0", "0", "0", "1"]);
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert!(html.contains("Linear mode connectivity"), "{html}");
    // Each run has events of its own.
    place.succeed("report first --format tensorboard");
    let events = fs::read_dir(place.path().join("runs/first/events")).unwrap();
    assert_eq!(events.count(), 4);
    assert!(place.has("runs/first/events/again_none_0.9_other_order_r0/events.out.tfevents"));
}

#[test]
fn groups_come_in_the_order_of_the_plan_whichever_runs_are_done() {
    let place = place(&format!("[[methods]]\ncriterion = \"random\"\n\n{SAME}"));
    place.succeed("run first.toml --set replicates=2");
    let groups = || {
        let folder = StudyFolder::at(&place.path().join("runs/first"));
        let plan = Plan::started(&Criteria::default(), &folder, &Datasets::below("data")).unwrap();
        let results = Results::read(&plan, &folder).unwrap();
        let groups = results.groups(&plan);
        let sparsity = |group: &Group<'_>| group.sparsity.map_or_else(String::new, |s| format!(" {s}"));
        groups.iter().map(|group| format!("{}{}", group.method, sparsity(group))).collect::<Vec<_>>()
    };
    let expected = ["dense", "random at init 0.9", "snip at init 0.5", "snip at init 0.9", "again 0.9"];
    assert_eq!(groups(), expected);
    let runs = column(&place, "run");
    for run in [1, 2] {
        fs::remove_dir_all(place.path().join(format!("runs/first/{}/r0", runs[run]))).unwrap();
    }
    assert_eq!(groups(), expected);
}

#[test]
fn a_list_of_examples_may_move_or_go_and_the_study_stays() {
    let place = Workplace::new();
    let list = |kept: std::ops::Range<usize>| {
        let kept: Vec<usize> = kept.collect();
        serde_json::json!({ "data": "digits", "examples": 1437, "method": "random", "kept": kept })
            .to_string()
    };
    let study = |list: &str| STUDY.replace("examples = 300", &format!("only = {{ list = \"{list}\" }}"));
    place.put("list.json", list(0..300));
    place.put("first.toml", study("list.json"));
    assert!(place.succeed("run first.toml").contains("3 runs done"));
    fs::remove_file(place.path().join("list.json")).unwrap();
    assert!(place.succeed("report first").starts_with("3 of 3 runs"));
    place.succeed("status first");
    place.put("moved.json", list(0..300));
    place.put("first.toml", study("moved.json"));
    assert!(place.succeed("run first.toml").contains("0 runs done, 3 in all"));
    place.put("moved.json", list(1..301));
    let anew = place.run("run first.toml");
    assert!(anew.out.contains("3 runs done, 3 in all"), "{anew:#?}");
    assert!(anew.err.contains("the listed examples have changed"), "{anew:#?}");
}

/// Of three steps ahead there are too many neighbourhoods.
#[test]
fn a_rule_that_was_not_tried_is_not_counted_as_not_learnt() {
    let place = Workplace::new();
    let study = STUDY
        .replace(
            "name = \"digits\"\nexamples = 300",
            "name = \"life\"\noptions = { life = { examples = 60, test_examples = 4 } }",
        )
        .replace("name = \"lenet-300-100\"\nwidth = 0.1", "name = \"life-net\"")
        .replace("[[methods]]", "[sweep]\ndata.options.life.steps = [1, 3]\n\n[[methods]]")
        .replace("ablation = [\"none\", \"shuffle\"]", "sparsity = 0.5");
    place.put("first.toml", study);
    assert!(place.succeed("run first.toml").contains("4 runs done"));
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert_eq!(html.matches("0/1 (").count(), 2, "{html}");
}
