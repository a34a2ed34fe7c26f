//! How images become inputs: said once, then known to every command and every file.

use std::collections::BTreeMap;

use crate::{
    own_images::{BLUE, GREEN, RED, images},
    safetensors::file,
    workplace::Workplace,
};

/// A network with two outputs for 4x4 images: the mean of red less that of blue, and the other way.
fn difference(place: &Workplace) {
    let weight = [1.0_f32, 0.0, -1.0].into_iter().flat_map(|sign| [sign / 16.0; 16]);
    let rows: Vec<f32> = weight.clone().chain(weight.map(|w| -w)).collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let layers = serde_json::json!({
        "model": "difference", "input": [3, 4, 4], "classes": 2,
        "layers": { "input": [3, 4, 4], "nodes": [
            { "name": "input", "op": "input", "inputs": [] },
            { "name": "flatten", "op": "flatten", "inputs": [0] },
            { "name": "fc", "op": { "linear": { "inputs": 48, "outputs": 2, "bias": true } }, "inputs": [1] }
        ] }
    });
    let plain =
        file(&[("fc.weight", "F32", &[2, 48], bytes(&rows)), ("fc.bias", "F32", &[2], bytes(&[0.0; 2]))]);
    let header = u64::from_le_bytes(plain[..8].try_into().unwrap()) as usize;
    let mut value: serde_json::Value = serde_json::from_slice(&plain[8..8 + header]).unwrap();
    value["__metadata__"] = serde_json::json!({ "sapwood": layers.to_string() });
    let value = value.to_string();
    let whole = [&(value.len() as u64).to_le_bytes(), value.as_bytes(), &plain[8 + header..]].concat();
    place.put("net.safetensors", whole);
}

/// The names of the outputs with their percentages, of the only image.
fn answers(said: &str) -> BTreeMap<String, f64> {
    let (_, answers) = said.trim().rsplit_once(": ").unwrap();
    let pair = |answer: &str| {
        let (name, percent) = answer.trim_end_matches(" %").rsplit_once(' ').unwrap();
        (name.to_string(), percent.parse().unwrap())
    };
    answers.split(", ").map(pair).collect()
}

#[test]
fn what_is_said_once_goes_along_with_the_network() {
    let place = Workplace::new();
    difference(&place);
    place.put("red.png", RED);
    place.put("names.txt", "warm\ncold\n");
    place.refuse("predict --weights net.safetensors red.png", &["do not say what they were trained on"]);
    let predict = |weights: &str| answers(&place.succeed(&format!("predict --weights {weights} red.png")));
    let red = predict("net.safetensors --preprocess x/255");
    // What PNG has as its reddest is shown as it is stored.
    let [first, second] = ["output 0", "output 1"].map(|name| red[name]);
    assert!(second < first, "{red:?}");
    let sharper = predict("net.safetensors --preprocess (x-127)/32");
    assert!(first < sharper["output 0"], "{sharper:?}");
    let swapped = predict("net.safetensors --preprocess (x-127)/32,bgr --class-names names.txt");
    assert_eq!(swapped["cold"], sharper["output 0"]);

    let how = "--preprocess (x-127)/32,bgr,stretch,bicubic --class-names names.txt";
    place.succeed(&format!("export --weights net.safetensors {how} --out net.onnx"));
    place.succeed(&format!("prune --weights net.safetensors {how} --sparsity 0 --out pruned.safetensors"));
    place.succeed("export --weights pruned.safetensors --out again.onnx");
    images(&place, "own", 3, &[("cold", RED), ("warm", BLUE)]);
    place.succeed("train --weights net.onnx --data image-folder --data-root own --until 0it --out run");
    for weights in ["net.onnx", "pruned.safetensors", "again.onnx", "run/weights.safetensors"] {
        assert_eq!(predict(weights), swapped, "{weights}");
        let said = place.succeed(&format!("describe --weights {weights}"));
        assert!(said.contains("`warm`, `cold`") && said.contains(", stretch, bicubic, bgr"), "{said}");
        let said = place.succeed(&format!("eval --weights {weights} --data image-folder --data-root own"));
        assert!(said.contains("6 test examples: top-1 100.00 %"), "{weights}: {said}");
    }
}

#[test]
fn a_config_beside_the_weights_is_read_and_another_one_can_be_named() {
    let place = Workplace::new();
    difference(&place);
    place.put("green.png", GREEN);
    let config = |mean: f64| {
        serde_json::json!({
            "architecture": "difference", "label_names": ["a", "b"],
            "pretrained_cfg": {
                "input_size": [3, 4, 4], "interpolation": "bicubic", "crop_pct": 1.0,
                "mean": [mean, 0.0, 0.0], "std": [0.1, 0.1, 0.1]
            }
        })
        .to_string()
    };
    place.put("other.json", config(0.5));
    let line = "predict --weights net.safetensors green.png";
    let other = answers(&place.succeed(&format!("{line} --preprocess other.json")));
    place.put("config.json", config(-0.5));
    let beside = place.run(line);
    assert!(
        beside.err.contains("`config.json` beside the weights says how images become inputs"),
        "{beside:?}"
    );
    let beside = answers(&beside.out);
    assert!(other["a"] < beside["a"], "{other:?} {beside:?}");
    assert_eq!(answers(&place.succeed(&format!("{line} --preprocess other.json"))), other);
}

#[test]
fn names_come_from_whoever_has_some() {
    let place = Workplace::new();
    difference(&place);
    place.put("red.png", RED);
    // As Windows' editors write it.
    place.put("names.txt", "\u{feff}warm\r\ncold\r\n");
    let config = |fraction: f64| {
        let stated = serde_json::json!({
            "input_size": [3, 4, 4], "crop_pct": fraction, "mean": [0.5, 0.5, 0.5], "std": [0.1, 0.1, 0.1]
        });
        serde_json::json!({ "pretrained_cfg": stated }).to_string()
    };
    let names = |line: &str| {
        let said = place.succeed(&format!("predict red.png --weights {line}"));
        answers(&said).into_keys().collect::<Vec<_>>().join(" ")
    };
    let named = "--preprocess x/255 --class-names names.txt --sparsity 0 --out named.safetensors";
    place.succeed(&format!("prune --weights net.safetensors {named}"));
    place.put("said.json", config(1.0));
    assert_eq!(names("named.safetensors --preprocess said.json"), "cold warm");
    assert_eq!(names("net.safetensors --preprocess said.json"), "output 0 output 1");

    images(&place, "own", 1, &[("ant", RED), ("bee", BLUE)]);
    let own = "--data image-folder --data-root own";
    assert_eq!(names(&format!("net.safetensors --preprocess x/255 {own}")), "ant bee");
    place.refuse(&format!("predict red.png --weights named.safetensors {own}"), &["not on `ant`, `bee`"]);
    for line in ["net.safetensors --preprocess x/255", &format!("named.safetensors {own}")] {
        let line = format!("predict red.png --allow-more-outputs --weights {line}");
        place.refuse(&line, &["`--allow-more-outputs` is for classes of `--data`"]);
    }

    place.put("config.json", config(1.5));
    let outcome = place.run("predict red.png --weights net.safetensors --preprocess x/255");
    assert!(outcome.err.contains("`config.json` beside the weights is left alone: "), "{outcome:?}");
    assert!(outcome.err.contains("fraction of a crop is 1.5"), "{outcome:?}");
}

#[test]
fn what_cannot_be_meant_is_one_line() {
    let place = Workplace::new();
    difference(&place);
    place.put("red.png", RED);
    place.put("three.txt", "a\nb\nc\n");
    place.put("bad.json", "{}");
    let line = "predict --weights net.safetensors red.png";
    for (how, expected) in [
        ("--preprocess imagenette", "`imagenette` is not known"),
        ("--preprocess cubic", "`cubic` is not known: expected imagenet"),
        ("--preprocess (x-[1,2])/128", "constants for 2 channels, and the input has 3"),
        ("--preprocess none.json", "cannot read how images become inputs"),
        ("--preprocess bad.json", "it has no `pretrained_cfg`"),
        ("--class-names three.txt", "say it with `--preprocess`"),
        (
            "--preprocess x/255 --class-names three.txt",
            "expected at most 2 names, one for each output, found 3",
        ),
        ("--preprocess x/255,crop=2", "crop=2"),
        ("--preprocess x/255,bicubic,nearest", "`nearest` is a second filter"),
    ] {
        place.refuse(&format!("{line} {how}"), &[expected]);
    }
    place.refuse("train --model lenet-5 --data digits --preprocess imagenet --out run", &["--weights"]);
}
