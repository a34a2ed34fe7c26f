//! Studies of a trained network that keeps its own outputs: it is pruned in several ways and trained again.

use std::fs;

use sapwood_core::{Dims, Entry, StateFile};

use crate::{
    own_images::{BLUE, GREEN, RED, images},
    own_networks::with_layers,
    studies::with,
    study_results::column,
    workplace::{NET, Workplace},
};

/// A study of the network of a workplace.
fn kept() -> String {
    with("width = 0.1\n", "\n[transfer]\nweights = \"net.safetensors\"\nhead = \"keep\"\n").replace(
        "criterion = \"snip\"\nablation = [\"none\", \"shuffle\"]",
        "criterion = [\"magnitude\", \"snip\"]",
    )
}

fn place(study: &str) -> Workplace {
    let place = Workplace::with_net();
    place.put("first.toml", study);
    place
}

#[test]
fn the_dense_network_is_the_one_that_came_and_each_method_prunes_it() {
    let study = kept().replace("sparsities = [0.9]", "sparsities = [0, 0.9]");
    let place = place(&study);
    assert!(place.succeed("run first.toml").contains("5 runs done, 5 in all"));
    assert!(place.succeed("run first.toml").contains("0 runs done, 5 in all"));
    let [magnitude, snip] = ["magnitude after training", "snip after training"];
    assert_eq!(column(&place, "method"), ["dense", magnitude, magnitude, snip, snip]);
    assert_eq!(column(&place, "sparsity"), ["0", "0", "0.9", "0", "0.9"]);
    assert_eq!(column(&place, "epochs"), ["0", "3", "3", "3", "3"]);
    let top1: f64 = column(&place, "test_top1")[0].parse().unwrap();
    let said = place.succeed(&format!("eval --data digits --weights {NET}"));
    assert!(said.contains(&format!("top-1 {:.2} %", 100.0 * top1)), "{said} {top1}");

    let given = StateFile::from_bytes(&place.read(NET)).unwrap();
    let runs = column(&place, "run");
    let file = |run: usize, name: &str| {
        StateFile::from_bytes(&place.read(&format!("runs/first/{}/r0/{name}.safetensors", runs[run])))
            .unwrap()
    };
    assert_eq!(file(0, "weights").state, given.state);
    for run in 1..runs.len() {
        let begun = file(run, "pruned");
        let mut expected = given.state.clone();
        expected.apply(&begun.masks).unwrap();
        assert_eq!(begun.state, expected, "run {run}");
        assert_ne!(file(run, "weights").state, expected, "run {run} is trained again");
    }
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    for part in ["net.safetensors, with their own last layer", "the dense network is the one of the weights"]
    {
        assert!(html.contains(part), "{part}");
    }

    // What was started can be looked at without the file, and another last layer makes other runs.
    fs::remove_file(place.path().join(NET)).unwrap();
    assert!(place.succeed("report first --format csv").starts_with("5 of 5 runs"));
    place.put(NET, Workplace::with_net().read(NET));
    place.put("first.toml", study.replace("head = \"keep\"\n", ""));
    let plan = place.succeed("plan first.toml");
    assert!(plan.contains("5 runs, 5 to do") && plan.contains("magnitude at init"), "{plan}");
}

#[test]
fn outputs_go_by_the_names_of_classes_for_criteria_and_teachers_too() {
    let place = Workplace::new();
    let classes = [("ant", RED), ("bee", GREEN), ("cat", BLUE)];
    images(&place, "first", 4, &classes);
    images(&place, "less", 4, &classes[1..]);
    images(&place, "other", 4, &[("bee", GREEN), ("dog", RED)]);
    let train = "train --model lenet-300-100 --width 0.1 --data image-folder --data-root first";
    place.succeed(&format!("{train} --epochs 20 --lr 0.05 --batch-size 4 --out run"));
    place.put(NET, place.read("run/weights.safetensors"));
    let study = kept()
        .replace("name = \"digits\"\nexamples = 300", "name = \"image-folder\"")
        .replace("batch_size = 50\nepochs = 3", "batch_size = 4\nepochs = 1")
        .replace("learning_rate = 0.05", "learning_rate = 0.01")
        .replace(
            "criterion = [\"magnitude\", \"snip\"]",
            "criterion = \"snip\"\nexamples = { per-class = 2 }\ndistill = \"kd\"",
        )
        .replace("sparsities = [0.9]", "sparsities = [0.2]");
    place.put("first.toml", &study);
    place.refuse(
        "run first.toml --data-root other",
        &["trained on `ant`, `bee`, `cat`", "does not know `dog`", "`head = \"new\"`", "first.toml"],
    );
    assert!(place.succeed("run first.toml --data-root less").contains("2 runs done, 2 in all"));
    let right = column(&place, "test_top1").iter().map(|share| share.parse().unwrap()).collect::<Vec<f64>>();
    assert_eq!(right, [1.0; 2]);
    for run in column(&place, "run") {
        let said = place.succeed(&format!("describe --weights runs/first/{run}/r0/weights.safetensors"));
        assert!(said.contains("3 classes, `ant`, `bee`, `cat`"), "{said}");
    }
}

#[test]
fn what_a_network_that_comes_trained_does_not_have_is_refused() {
    let refused = |study: &str, expected: &[&str]| {
        let place = place(study);
        for command in ["plan", "run"] {
            place.refuse(&format!("{command} first.toml"), expected);
        }
    };
    let method = |settings: &str| format!("{}{settings}\n", kept());
    refused(&method("at = \"0ep\""), &["comes trained", "leave `at` out", "first.toml"]);
    for before in ["\"init\"", "{ rewind = \"1ep\" }"] {
        refused(&method(&format!("retrain = {before}")), &["no position to go back to", "`fine-tune`"]);
    }
    let training = |line: &str| kept().replace("epochs = 3", &format!("epochs = 3\n{line}"));
    refused(
        &training("regulariser = { kind = \"group-norm\", strength = 1e-4 }"),
        &["the dense network, which comes trained", "leave it out"],
    );
    let init = kept().replace("[training]", "[init]\nweights = \"xavier\"\n\n[training]");
    refused(&init, &["no method draws new weights", "`reinit`"]);
    refused(&kept().replace("\"keep\"", "\"kept\""), &["unknown value `kept`", "keep", "line 14"]);

    let plans = |study: &str, expected: &str| {
        let plan = place(study).succeed("plan first.toml");
        assert!(plan.contains(expected), "{plan}");
    };
    plans(&format!("{init}ablation = [\"none\", \"reinit\"]\n"), "5 runs, 5 to do");
    plans(
        &method("retrain = { fine-tune = { epochs = 1 } }"),
        "magnitude after training, fine-tuned for 1 epochs",
    );
    // What the trained network is does not depend on how it would be trained.
    let sweep = "training.learning_rate = [0.01, 0.05]\ntraining.evaluate = [\"every-epoch\", \"at-end\"]";
    plans(&format!("{}\n[sweep]\n{sweep}\n", kept()), "9 runs, 9 to do");
    plans(&method("iterative = true\nsparsity = [0.5, 0.9]"), "iterative snip after training");
    let gradual = "during = { kind = \"gradual\", begin = \"0ep\", end = \"2ep\", every = \"1it\" }";
    plans(&kept().replace("criterion = [\"magnitude\", \"snip\"]", gradual), "gradual magnitude");
}

#[test]
fn a_sparsity_below_that_of_the_masks_that_the_weights_come_with_is_refused() {
    let dense = Workplace::with_net();
    dense.succeed(&format!("prune --weights {NET} --sparsity 0.8 --out masked.safetensors"));
    let bytes = dense.read("masked.safetensors");
    let masked = |study: &str| {
        let place = place(study);
        place.put(NET, &bytes);
        place
    };
    let at = |sparsities: &str| kept().replace("sparsities = [0.9]", &format!("sparsities = {sparsities}"));
    let refused = |study: &str, expected: &[&str]| {
        let place = masked(study);
        for command in ["plan", "run"] {
            place.refuse(&format!("{command} first.toml"), expected);
        }
    };
    let said =
        ["method `magnitude after training`", "0.5 keeps 1160 of 2320 weights", "leave 464", "first.toml"];
    refused(&at("[0.5, 0.9]"), &said);
    // The last layer is new, and has none.
    let anew = at("[0.5]").replace("head = \"keep\"\n", "");
    refused(&anew, &["method `magnitude at init`", "0.5 keeps 1160 of 2320 weights"]);
    let gradual = "during = { kind = \"gradual\", begin = \"0ep\", end = \"2ep\", every = \"1it\" }";
    let gradual = at("[0.5]").replace("criterion = [\"magnitude\", \"snip\"]", gradual);
    refused(&gradual, &["method `gradual magnitude`", "0.8, what the network has lost already"]);
    // Something is left of most filters, and by some criteria weights return.
    for other in ["\"magnitude\"\ngranularity = \"filter\"", "\"force\""] {
        let study = at("[0.5]").replace("[\"magnitude\", \"snip\"]", other);
        assert!(masked(&study).succeed("plan first.toml").contains("2 runs, 2 to do"), "{other}");
    }
    let place = masked(&at("[0.8, 0.9]").replace("epochs = 3", "epochs = 1"));
    assert!(place.succeed("run first.toml").contains("5 runs done, 5 in all"));
}

#[test]
fn a_network_of_rows_is_shown_images_as_rows() {
    let rows = Entry { name: "rows".into(), dims: Dims::rows(64), integers: false };
    let place = with_layers(rows, |g, x| g.linear("fc", x, 10));
    place.put(
        "first.toml",
        kept().replace("\"lenet-300-100\"", "\"own\"").replace("[\"magnitude\", \"snip\"]", "\"magnitude\""),
    );
    assert!(place.succeed("run first.toml").contains("2 runs done, 2 in all"));
    let top1: f64 = column(&place, "test_top1")[0].parse().unwrap();
    let said = place.succeed(&format!("eval --data digits --weights {NET}"));
    assert!(said.contains(&format!("top-1 {:.2} %", 100.0 * top1)), "{said} {top1}");
}
