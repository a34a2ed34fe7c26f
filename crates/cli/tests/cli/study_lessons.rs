//! Studies in which a pruned network learns of the dense run of its replicate.

use std::fs;

use serde_json::{Value, json};

use crate::{
    studies::{STUDY, refused, with},
    study_results::column,
    workplace::Workplace,
};

/// A study whose method has these settings.
fn study(method: &str) -> String {
    format!("{}[[methods]]\n{method}\n", STUDY.split("[[methods]]").next().unwrap())
}

fn read(place: &Workplace, file: &str) -> Value {
    serde_json::from_slice(&place.read(file)).unwrap()
}

#[test]
fn the_dense_run_teaches_and_its_arithmetic_is_in_the_account() {
    let place = Workplace::new();
    let ways = "[\"none\", \"kd\", { method = \"dkd\", temperature = 2 }]";
    place.put("first.toml", study(&format!("criterion = \"magnitude\"\nat = \"end\"\ndistill = {ways}")));
    assert!(place.succeed("run first.toml").contains("4 runs done, 4 in all"));
    let names = ["", ", distilled by kd", ", distilled by dkd, temperature 2"];
    let names = names.map(|how| format!("magnitude after training{how}"));
    assert_eq!(column(&place, "method")[1..], names);

    let folders: Vec<String> =
        column(&place, "run").iter().map(|run| format!("runs/first/{run}/r0")).collect();
    let config = |run: usize| read(&place, &format!("{}/config.json", folders[run]));
    let teacher = read(&place, &format!("{}/record.json", folders[0]))["weights"].clone();
    assert_eq!(config(1).get("teacher"), None);
    for (run, method, temperature) in [(2, "kd", 4.0), (3, "dkd", 2.0)] {
        let config = config(run);
        let found = ["digest", "method", "temperature"].map(|key| &config["teacher"][key]);
        assert_eq!(found, [&teacher, &json!(method), &json!(temperature)]);
    }
    let weights = |run: usize| place.read(&format!("{}/weights.safetensors", folders[run]));
    assert!(weights(1) != weights(2) && weights(2) != weights(3), "what is learnt differs");

    // A forward pass of the teacher, over 2,320 weights, for each of 300 examples in each of 3 epochs.
    let ledger = place.read("runs/first/ledger.csv");
    let mut ledger = csv::Reader::from_reader(ledger.as_slice());
    let at = ledger.headers().unwrap().iter().position(|name| name == "evaluation_macs_dense").unwrap();
    let macs: Vec<f64> = ledger.records().map(|row| row.unwrap()[at].parse().unwrap()).collect();
    assert_eq!([macs[2] - macs[1], macs[3] - macs[1]], [3.0 * 300.0 * 2320.0; 2]);
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert!(html.contains("the dense run of each replicate"), "{html}");
}

#[test]
fn who_is_pruned_before_training_waits_for_the_dense_run_that_teaches_it() {
    let place = Workplace::new();
    place
        .put("first.toml", study("criterion = \"snip\"\ndistill = \"kd\"\nshare = { bits = 4, epochs = 1 }"));
    assert!(place.succeed("run first.toml").contains("3 runs done, 3 in all"));
    assert_eq!(
        column(&place, "method"),
        ["dense", "snip at init, distilled by kd", "snip at init, distilled by kd, 4 bits, 1 epoch"]
    );
    let runs = column(&place, "run");
    let config = |run: usize| read(&place, &format!("runs/first/{}/r0/config.json", runs[run]));
    assert!(config(1)["teacher"].is_object() && config(2).get("teacher").is_none());
    // Without a teacher it is the run that it always was.
    let [plain, none] = ["", "\ndistill = \"none\""].map(|how| {
        place.put("first.toml", study(&format!("criterion = \"snip\"{how}")));
        place.succeed("plan first.toml")
    });
    assert!(plain == none && plain.contains("2 runs, 1 to do"), "{plain} {none}");
}

#[test]
fn who_was_interrupted_before_its_teacher_was_done_again_to_other_bytes_begins_anew() {
    let place = Workplace::new();
    place.put("first.toml", study("criterion = \"snip\"\ndistill = \"kd\""));
    assert!(place.succeed("run first.toml").contains("2 runs done, 2 in all"));
    let before = place.read("runs/first/results.csv");
    let taught = format!("runs/first/{}/r0", column(&place, "run")[1]);
    let mut config = read(&place, &format!("{taught}/config.json"));
    config["teacher"]["digest"] = "0".repeat(64).into();
    place.put(&format!("{taught}/config.json"), config.to_string());
    place.put(&format!("{taught}/weights.safetensors"), "of what the other teacher taught");
    fs::remove_file(place.path().join(&taught).join("record.json")).unwrap();
    assert!(place.succeed("run first.toml").contains("1 runs done, 2 in all"));
    assert_eq!(place.read("runs/first/results.csv"), before);
    assert_ne!(read(&place, &format!("{taught}/config.json")), config);
}

#[test]
fn what_cannot_be_learnt_of_the_dense_run_is_refused() {
    let snip = |settings: &str| study(&format!("criterion = \"snip\"\n{settings}"));
    refused(&snip("distill = \"kdd\""), &["unknown value `kdd`", "did you mean kd", "line 21"]);
    refused(
        &snip("distill = { method = \"kd\", tempratur = 2 }"),
        &["`tempratur`", "temperature", "line 21"],
    );
    refused(&snip("distill = { method = \"kd\", weight = 2 }"), &["`distill`: `weight` must be from 0 to 1"]);
    refused(&snip("distill = \"kd\"\nquantize = \"int8\""), &["has no teacher", "`distill` or `quantize`"]);
    refused(&snip("distill = \"at\""), &["no layer of the network sees planes", "`kd` or `dkd`"]);
    let smoothed = |study: &str| study.replace("epochs = 3", "epochs = 3\nlabel_smoothing = 0.1");
    refused(&smoothed(&snip("distill = \"blocks\"")), &["learnt without labels", "`label_smoothing`"]);
    let mixed = with("epochs = 3", "epochs = 3\nmix = { method = \"mixup\", alpha = 0.2 }");
    refused(&format!("{mixed}distill = \"kd\"\n"), &["mixed images", "no teacher", "`mix` or `distill`"]);
    let life = snip("distill = \"kd\"")
        .replace("name = \"digits\"\nexamples = 300", "name = \"life\"")
        .replace("name = \"lenet-300-100\"\nwidth = 0.1", "name = \"life-net\"");
    refused(&life, &["a teacher's answers is for classes", "`life` has none"]);
    // Planes are seen there, and another way of learning is no answer.
    let place = Workplace::new();
    place.put("first.toml", life.replace("\"kd\"", "\"at\""));
    assert!(place.succeed("plan first.toml").contains("snip at init, distilled by at"));
}
