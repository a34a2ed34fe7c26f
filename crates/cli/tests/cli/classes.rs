//! Networks and data sets that meet by the names of their classes.

use sapwood_core::StateFile;

use crate::{
    own_images::{BLUE, GREEN, RED, images},
    workplace::{NET, Workplace},
};

/// A place with a network that tells ants, bees and cats, which are red, green and blue.
fn place() -> Workplace {
    let place = Workplace::new();
    images(&place, "first", 4, &[("ant", RED), ("bee", GREEN), ("cat", BLUE)]);
    let train = "train --model lenet-300-100 --width 0.1 --data image-folder --data-root first";
    place.succeed(&format!("{train} --epochs 20 --lr 0.05 --batch-size 4 --out run"));
    place.put("net.safetensors", place.read("run/weights.safetensors"));
    place
}

const FIRST: &str = "--data image-folder --data-root first";

#[test]
fn labels_go_by_name_and_not_by_place() {
    let place = place();
    let eval = |root: &str| {
        let outcome = place.run(&format!("eval --weights {NET} --data image-folder --data-root {root}"));
        assert!(outcome.out.contains("top-1 100.00 %"), "{root}: {outcome:#?}");
        outcome.err
    };
    assert_eq!(eval("first"), "test: 12 images: ant 4, bee 4, cat 4\n");
    images(&place, "less", 2, &[("bee", GREEN), ("cat", BLUE)]);
    let said = eval("less");
    assert!(said.contains("has 2 of the 3 classes") && said.contains("by name"), "{said}");
    let score = "score --criterion snip --batches 1 --batch-size 4";
    let scored = place.run(&format!("{score} --weights {NET} --data image-folder --data-root less --out s"));
    assert!(scored.code == Some(0) && scored.err.contains("by name"), "{scored:#?}");

    // As many classes, but others.
    images(&place, "second", 4, &[("bee", GREEN), ("cat", BLUE), ("dog", RED)]);
    let second = format!("--weights {NET} --data image-folder --data-root second");
    let known = ["trained on `ant`, `bee`, `cat`", "does not know `dog`"];
    place.refuse(&format!("eval {second}"), &known);
    place.refuse(&format!("{score} {second} --out x"), &known);
    place.refuse(&format!("prune --criterion snip --sparsity 0.5 {second} --out x"), &known);
    place.refuse(&format!("train {second} --out x"), &[known[1], "`--new-classes`"]);
    place.refuse(&format!("eval --weights {NET} --data digits"), &["does not take 1x8x8"]);

    // Said to be others, its outputs are taken for them.
    place.succeed(&format!("train {second} --new-classes --epochs 1 --out moved"));
    let said = place.succeed("describe --weights moved/weights.safetensors");
    assert!(said.contains("3 classes, `bee`, `cat`, `dog`"), "{said}");
    let config: serde_json::Value = serde_json::from_slice(&place.read("moved/config.json")).unwrap();
    assert_eq!(config["new_classes"], true, "it is another run than one whose labels go by name");
    place.refuse(&format!("train --weights {NET} {FIRST} --new-classes --out x"), &["nothing is new"]);
}

#[test]
fn a_weight_file_knows_what_its_outputs_are_called() {
    let place = place();
    let predicted = |line: &str| {
        let outcome = place.run(&format!("predict {line} first/test/ant/0.png first/test/cat/0.png"));
        let tops: Vec<_> = outcome.out.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(tops, ["ant", "cat"], "{line}: {outcome:#?}");
    };
    predicted(&format!("--weights {NET}"));
    images(&place, "less", 1, &[("bee", GREEN), ("cat", BLUE)]);
    predicted(&format!("--weights {NET} --data image-folder --data-root less"));
    images(&place, "second", 1, &[("bee", GREEN), ("cat", BLUE), ("dog", RED)]);
    place.refuse(
        &format!("predict --weights {NET} --data image-folder --data-root second first/test/ant/0.png"),
        &["trained on `ant`, `bee`, `cat`, not on `dog`", "leave `--data` out"],
    );

    // What was pruned, and trained again, knows them too.
    place.succeed(&format!("prune --weights {NET} --sparsity 0.2 --out pruned.safetensors"));
    predicted("--weights pruned.safetensors");
    place.succeed(&format!("train --weights pruned.safetensors {FIRST} --epochs 1 --lr 0.01 --out sparse"));
    predicted("--weights sparse/weights.safetensors");
    let said = place.succeed("describe --weights sparse/weights.safetensors");
    assert!(said.contains("trained on image-folder: 3 classes, `ant`, `bee`, `cat`"), "{said}");
    let json = place.succeed(&format!("describe --json --weights {NET}"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["trained_on"]["classes"], serde_json::json!(["ant", "bee", "cat"]));
    assert_eq!(json["trained_on"]["std"], serde_json::json!([0.229, 0.224, 0.225]));
}

#[test]
fn outputs_that_nobody_names_are_not_taken_for_classes_unasked() {
    let place = Workplace::with_net();
    images(&place, "own", 2, &[("dark", BLUE), ("light", GREEN)]);
    let mut file = StateFile::from_bytes(&place.read(NET)).unwrap();
    assert_eq!(file.metadata["trained_on"]["data"], "digits");
    file.metadata.as_object_mut().unwrap().remove("trained_on").unwrap();
    place.put("old.safetensors", file.to_bytes().unwrap());

    let old = "--weights old.safetensors";
    let own = format!("{old} --data image-folder --data-root own");
    let more = ["has 10 outputs", "has 2 classes (`dark`, `light`)", "`--allow-more-outputs`"];
    place.refuse(&format!("eval {own}"), &more);
    place.refuse(&format!("train {own} --out x"), &more);
    place.refuse(&format!("prune --criterion snip --sparsity 0.5 {own} --out x"), &more);
    place.refuse(&format!("predict {own} own/test/dark/0.png"), &more);
    place.refuse(
        &format!("predict {old} own/test/dark/0.png"),
        &["do not say what they were trained on", "--data"],
    );
    place.succeed(&format!("eval {own} --allow-more-outputs"));
    let outcome = place.run(&format!("predict {own} --allow-more-outputs own/test/dark/0.png"));
    assert!(
        outcome.out.contains("output ") && outcome.err.contains("8 of 10 outputs have no name"),
        "{outcome:#?}"
    );

    // As many outputs as classes are taken as they always were, and named from then on.
    place.succeed(&format!("eval {old} --data digits"));
    place.succeed(&format!("train {old} --data digits --epochs 1 --out run"));
    let out = place.succeed("predict --weights run/weights.safetensors own/test/dark/0.png");
    assert!(out.starts_with("own/test/dark/0.png: "), "{out}");
}

#[test]
fn a_description_that_contradicts_the_network_is_refused() {
    let place = Workplace::with_net();
    let file = StateFile::from_bytes(&place.read(NET)).unwrap();
    for (key, value, expected) in [
        ("mean", serde_json::json!([0.5, 0.5]), "2 means"),
        ("input", serde_json::json!([1, 9, 9]), "does not take 1x9x9"),
    ] {
        let mut other = file.clone();
        other.metadata["trained_on"][key] = value;
        place.put("other.safetensors", other.to_bytes().unwrap());
        place.refuse("describe --weights other.safetensors", &[expected]);
        place.refuse("eval --weights other.safetensors --data digits", &[expected]);
    }
    // A key of a later version passes through, and is said where it may matter.
    let mut later = file;
    later.metadata["trained_on"]["crop"] = 7.into();
    place.put("later.safetensors", later.to_bytes().unwrap());
    place.succeed("prune --weights later.safetensors --sparsity 0.5 --out pruned.safetensors");
    let pruned = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
    assert_eq!(pruned.metadata["trained_on"], later.metadata["trained_on"]);
    place.put("image.png", RED);
    let outcome = place.run("predict --weights pruned.safetensors image.png");
    assert!(outcome.code == Some(0) && outcome.err.contains("say `crop`"), "{outcome:#?}");
}

#[test]
fn one_class_alone_is_nothing_to_learn() {
    let place = place();
    images(&place, "one", 4, &[("ant", RED)]);
    let one = "--data image-folder --data-root one";
    for line in [
        format!("train --model lenet-300-100 --width 0.1 {one} --out x"),
        format!("train --weights {NET} {one} --out x"),
        format!("eval --weights {NET} {one}"),
    ] {
        place.refuse(&line, &["class"]);
    }
}
