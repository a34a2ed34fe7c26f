//! Studies whose trainings keep examples back, leave an average, or mix images.

use serde_json::{Value, json};

use crate::{
    studies::{STUDY, refused, with},
    study_results::column,
    workplace::Workplace,
};

/// A study whose `[training]` has more settings.
fn training(settings: &str) -> String {
    with("epochs = 3", &format!("epochs = 3\n{settings}"))
}

const MIX: &str = "mix = { method = \"mixup\", alpha = 0.2 }";

#[test]
fn every_run_keeps_examples_back_and_the_page_says_so() {
    let place = Workplace::new();
    place.put("first.toml", training(&format!("hold_out = \"20%\"\naverage = 0.9\n{MIX}")));
    assert!(place.succeed("run first.toml").contains("3 runs done, 3 in all"));
    for run in column(&place, "run") {
        let config = place.read(&format!("runs/first/{run}/r0/config.json"));
        let config: Value = serde_json::from_slice(&config).unwrap();
        let found = ["hold_out", "average", "mixing"].map(|key| &config[key]);
        assert_eq!(found, [&json!(60), &json!(0.9), &json!({ "method": "mixup", "alpha": 0.2 })]);
        let curve = String::from_utf8(place.read(&format!("runs/first/{run}/r0/curve.csv"))).unwrap();
        assert!(curve.contains("kept_back_loss"), "{curve}");
    }
    // Three epochs of the 240 examples that are left.
    let ledger = String::from_utf8(place.read("runs/first/ledger.csv")).unwrap();
    assert_eq!(ledger.matches(",720,").count(), 3, "{ledger}");
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    for part in [
        "that of the epoch that did best on the training examples kept back",
        "20% of the training examples",
        "decay 0.9",
        "mixup, alpha 0.2",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // As a number it is the same run, and without it another one.
    place.put("first.toml", training(&format!("hold_out = 60\naverage = 0.9\n{MIX}")));
    assert!(place.succeed("plan first.toml").contains("3 runs, 0 to do"));
    place.put("first.toml", STUDY);
    assert!(place.succeed("plan first.toml").contains("3 runs, 3 to do"));
}

/// Thirty of each class are there, and half of them are learnt from.
#[test]
fn a_criterion_is_shown_no_examples_that_are_kept_back() {
    let place = Workplace::new();
    let study = format!("{STUDY}examples = {{ per-class = 20 }}\n");
    place.put("first.toml", study.replace("epochs = 3", "epochs = 1"));
    assert!(place.succeed("run first.toml").contains("3 runs done, 3 in all"));
    place.put("first.toml", study.replace("epochs = 3", "epochs = 1\nhold_out = \"50%\""));
    assert_eq!(place.run("run first.toml").code, Some(2));
    let status = place.succeed("status first");
    assert!(status.contains("20 examples of each class were asked for"), "{status}");
}

#[test]
fn what_does_not_go_with_few_examples_is_refused_when_the_file_is_read() {
    refused(&training("hold_out = 0.2"), &["a number of training examples, or a part of all", "line 16"]);
    refused(&training("hold_out = 300"), &["expected from 1 to 299 of the 300", "found 300", "first.toml"]);
    refused(&training("hold_out = 5"), &["`hold_out`", "kept back, class `", "first.toml"]);
    refused(
        &training("hold_out = 60\nevaluate = \"at-end\""),
        &["`evaluate`", "each epoch is tested with what is kept back"],
    );
    refused(&training("average = 2"), &["`average` must be from 0 to below 1, but it is 2"]);
    refused(&training("mix = { method = \"mixupp\", alpha = 1 }"), &["unknown value `mixupp`", "mixup"]);
    refused(&training("mix = { method = \"mixup\", alpha = 0 }"), &["`mix`: ", "a finite number above 0"]);
    let method = |settings: &str, line: &str| format!("{}\n[[methods]]\n{settings}\n", training(line));
    let gradual = "during = { kind = \"gradual\", begin = \"0ep\", end = \"2ep\", every = \"1it\" }";
    refused(
        &method(gradual, "hold_out = 60"),
        &["method `gradual magnitude`", "other masks than the last one", "`hold_out` or `during`"],
    );
    let place = Workplace::new();
    place.put("first.toml", method(gradual, "average = 0.9"));
    place.succeed("plan first.toml");
    for line in ["hold_out = 60", "average = 0.9", MIX] {
        refused(
            &method("quantize = \"int8\"", line),
            &["a network that learns with rounding mixes no images"],
        );
    }
    let life = |line: &str| {
        training(line)
            .replace("name = \"digits\"\nexamples = 300", "name = \"life\"")
            .replace("name = \"lenet-300-100\"\nwidth = 0.1", "name = \"life-net\"")
    };
    refused(&life("hold_out = 60"), &["a share of each class back is for classes", "`life` has none"]);
    refused(&life(MIX), &["mixing of images in pairs is for classes"]);
}
