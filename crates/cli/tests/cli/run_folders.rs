//! What a run leaves in its folder, and what it leaves alone.

use std::fs;

use crate::{
    child,
    workplace::{NET, Workplace},
};

/// `cluster` removes the folder of its run in the end: it has to be its own.
#[test]
fn a_folder_that_clustering_did_not_make_is_left_alone() {
    let place = Workplace::with_net();
    let line = format!("cluster --weights {NET} --data digits --epochs 1 --out m.safetensors");
    let notes = "m.safetensors.run/notes.txt";
    place.put(notes, "mine");
    place.refuse(&line, &["a file that no run has left here would be removed with the folder", notes]);
    fs::remove_file(place.path().join(notes)).unwrap();
    place.succeed(&line);
    assert!(place.has("m.safetensors") && !place.has("m.safetensors.run"));
}

/// Two ways of writing a path are no two configurations.
#[test]
fn where_a_list_of_examples_lies_is_in_no_record() {
    let place = Workplace::new();
    let kept: Vec<usize> = (0..100).collect();
    let list = serde_json::json!({ "data": "digits", "examples": 1437, "method": "random", "kept": kept });
    place.put("list.json", list.to_string());
    let train = |list: &str, out: &str| {
        place.succeed(&format!(
            "train --model lenet-300-100 --width 0.1 --data digits --only {list} --epochs 1 --out {out}"
        ));
        String::from_utf8(place.read(&format!("{out}/record.json"))).unwrap()
    };
    let record = train("list.json", "first");
    assert!(record.contains("\"digest\"") && !record.contains("list.json"), "{record}");
    assert_eq!(train("./list.json", "second"), record);
}

/// What is kept of a probe's features is taken only where they would be computed to the same bits, and both parts of the
/// network are computed as was said.
#[test]
fn features_of_another_order_of_sums_or_of_other_operations_are_not_taken() {
    let place = Workplace::new();
    let data = "--data digits --examples 200 --batch-size 50";
    place.succeed(&format!("train --model resnet-20 --width 0.25 {data} --epochs 1 --out run"));
    let probe = |more: &str, out: &str| {
        let line =
            format!("train --weights run/weights.safetensors {data} --probe 1 --lr 0.01 --out {out} {more}");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = child::command(place.path(), &arguments);
        let command = command.env("SAPWOOD_CACHE", place.path().join("kept")).env_remove("SAPWOOD_LEVEL");
        let outcome = child::finish(command);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        (fs::read_dir(place.path().join("kept/features")).unwrap().count(), outcome.err)
    };
    // Of both splits.
    assert_eq!(probe("", "first").0, 2);
    assert_eq!(probe("", "again").0, 2);
    let level = format!("--level {}", sapwood_backend::level());
    assert_eq!(probe(&level, "pinned").0, 4);
    assert_eq!(probe(&level, "pinned-again").0, 4);
    let (kept, said) = probe("--ops burn -vvv", "burn");
    let convolved = |kernel: bool| said.contains(&format!("operation=\"conv2d\" kernel={kernel}"));
    assert_eq!((kept, convolved(false), convolved(true)), (6, true, false));
    assert_eq!(
        String::from_utf8(place.read("pinned/level.txt")).unwrap().trim(),
        format!("{}-pinned", &level[8..])
    );
}
