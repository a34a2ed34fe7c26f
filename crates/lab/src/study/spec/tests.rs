//! A run's name must never change while what decides the run does not.

use std::path::Path;

use sapwood_prune::Criteria;

use crate::{
    Datasets, Error,
    study::{Plan, Run},
};

const STUDY: &str = r#"
kind = "prune"
sparsities = [0.9]

[data]
name = "life"

[model]
name = "life-net"
overcompleteness = 2

[training]
batch_size = 8
epochs = 3
optimizer = { name = "adamw" }
learning_rate = 0.01

[[methods]]
criterion = ["magnitude", "snip"]
ablation = ["none", "shuffle"]

[[methods]]
criterion = "magnitude"
at = "end"
retrain = { rewind = "1ep" }
iterative = true
sparsity = [0.5, 0.8]

[[methods]]
during = { kind = "gradual", begin = "0ep", end = "2ep", every = "10it" }
"#;

fn runs(study: &str) -> Vec<Run> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, study).unwrap();
    Plan::read(&Criteria::default(), &path, &[], &Datasets::below(Path::new("nowhere"))).unwrap().runs
}

fn hashes(study: &str) -> Vec<String> {
    runs(study).into_iter().map(|run| run.hash).collect()
}

/// They once began with the dense network, under the name that they would have otherwise.
#[test]
fn levels_that_train_on_begin_with_the_level_before_and_say_so_in_their_names() {
    let begins = |run: &Run| run.spec.canonical().unwrap()["pruning"]["begins"] == "level";
    assert!(!runs(STUDY).iter().any(begins));
    let study = STUDY.replace("retrain = { rewind = \"1ep\" }\n", "");
    let (further, others): (Vec<Run>, Vec<Run>) = runs(&study).into_iter().partition(|run| begins(run));
    assert_eq!((further.len(), others.len()), (1, 7));
    assert!(further[0].parents.level.is_some() && further[0].parents.dense.is_none());
}

#[test]
fn settings_that_do_not_go_together_are_named_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, STUDY.replace("iterative = true", "iterative = true\nablation = \"shuffle\""))
        .unwrap();
    let read = Plan::read(&Criteria::default(), &path, &[], &Datasets::below(Path::new("nowhere")));
    let error = read.unwrap_err();
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Error>()).unwrap();
    assert!(matches!(source, Error::Setting { key, .. } if key == "methods"), "{source}");
    assert!(error.to_string().ends_with("study.toml"), "{error}");
}

#[test]
fn a_study_of_more_runs_than_anybody_carries_out_is_refused_and_not_planned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    let with = |line: &str| format!("{line}\n{STUDY}");
    let many = vec!["1"; 1001].join(", ");
    for (study, expected) in [
        (with("replicates = 9223372036854775807"), "`replicates`: expected at most 20000 runs in a study"),
        (with("replicates = 200000"), "found 1600000: leave some out"),
        (
            format!("{STUDY}\n[sweep]\nseed = [{many}]\nreplicates = [{many}]\n"),
            "expected at most 20000 combinations of values, found 1002001",
        ),
    ] {
        std::fs::write(&path, study).unwrap();
        let read = Plan::read(&Criteria::default(), &path, &[], &Datasets::below(Path::new("nowhere")));
        let error = read.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Pinned: another hash would orphan the runs that people have.
#[test]
fn names_of_runs_are_pinned() {
    assert_eq!(hashes(STUDY), PINNED);
}

const PINNED: [&str; 8] = [
    "2764dcb9928e2a97",
    "426680c23dd603ca",
    "38d9db2624f39c3f",
    "b22c0e55836a722b",
    "364fed3435b1c5e2",
    "6c9735ff97d4bd59",
    "c94bd55616191374",
    "a114da4ef89696c7",
];

/// Whoever writes down what is the default anyway means the same run.
#[test]
fn defaults_that_are_written_down_move_no_name() {
    let written = STUDY
        .replace("kind = \"prune\"", "kind = \"prune\"\nseed = 0\nreplicates = 1\ntitle = \"x\"")
        .replace(
            "name = \"life\"",
            "name = \"life\"\naugment = false\noptions = { life = { side = 32, density = 0.38 } }",
        )
        .replace(
            "epochs = 3",
            "epochs = 3\nweight_decay = 0\nevaluate = \"every-epoch\"\nschedule = { kind = \"constant\" }",
        )
        .replace("{ name = \"adamw\" }", "{ name = \"adamw\", betas = [0.9, 0.999] }")
        .replace("[training]", "[init]\nweights = \"pytorch\"\n\n[training]")
        .replace("ablation =", "at = \"0ep\"\nretrain = \"init\"\nallocation = \"global\"\nablation =")
        .replace("every = \"10it\"", "every = \"10it\", score = \"magnitude\"");
    assert_eq!(hashes(&written), hashes(STUDY));
    let other = STUDY.replace("epochs = 3", "epochs = 4");
    assert!(hashes(&other).iter().zip(hashes(STUDY)).all(|(a, b)| *a != b));
}

/// Whoever is taught is another run, and waits for the dense one; whoever is not stays the run that it was.
#[test]
fn a_teacher_is_the_dense_run_and_moves_the_names_of_those_that_it_teaches() {
    let distill = |ways: &str| {
        let ablation = "ablation = [\"none\", \"shuffle\"]";
        runs(&STUDY.replace(ablation, &format!("{ablation}\ndistill = {ways}")))
    };
    let names = |runs: &[Run]| runs.iter().map(|run| run.hash.clone()).collect::<Vec<_>>();
    assert_eq!(names(&distill("\"none\"")), PINNED);
    let both = distill("[\"none\", \"at\"]");
    let (taught, others): (Vec<Run>, Vec<Run>) = both
        .into_iter()
        .partition(|run| run.spec.pruning.as_ref().is_some_and(|pruning| pruning.distill.is_some()));
    assert_eq!(names(&others), PINNED);
    assert_eq!(taught.len(), 4);
    for run in &taught {
        assert_eq!(run.parents.dense, Some(0), "{}", run.label.method);
        // A forward pass of the teacher beside the three of a step.
        let plain = others.iter().find(|other| {
            other.control() == run.control() && run.label.method.starts_with(&other.label.method)
        });
        let plain = plain.unwrap().training_macs().unwrap();
        assert_eq!(3.0 * run.training_macs().unwrap(), 4.0 * plain);
    }
}

#[test]
fn what_helps_where_examples_are_few_is_part_of_every_name() {
    let average = |line: &str| hashes(&STUDY.replace("epochs = 3", &format!("epochs = 3\n{line}")));
    assert_eq!(average(""), PINNED);
    let [some, more] = [average("average = 0.5"), average("average = 0.9")];
    for (place, pinned) in PINNED.iter().enumerate() {
        assert!(some[place] != *pinned && some[place] != more[place] && more[place] != *pinned);
    }
}
