//! `verify`: whether two files of a network give the same answers.

use sapwood_core::{Array, Dims, Entry, StateFile};
use serde_json::{Value, json};

use crate::{
    onnx::replaced,
    own_networks::with_layers,
    safetensors::{file, floats},
    workplace::{NET, Workplace, one_line_error},
};

fn json(place: &Workplace, line: &str) -> Value {
    serde_json::from_str(&place.succeed(&format!("verify {line} --json"))).unwrap()
}

#[test]
fn files_of_one_network_answer_alike() {
    let place = Workplace::with_net();
    place.succeed(&format!("export --weights {NET} --out net.onnx"));
    let both = format!("--weights {NET} --with net.onnx");
    let said = place.succeed(&format!("verify {both} --least-agreement 100%"));
    let first = "256 examples drawn with seed 0: 100 % of the examples have the same class\n";
    assert!(said.starts_with(first) && said.lines().count() == 2, "{said}");
    for engine in ["", "--runtime"] {
        let found = json(&place, &format!("{both} --data digits {engine}"));
        assert_eq!((&found["examples"], &found["same_class"]), (&360.into(), &1.0.into()), "{engine}");
        assert!(found["largest_distance"].as_f64().unwrap() < 1e-4, "{engine}: {found}");
    }
    let images = (0..4).flat_map(|image| floats(64, image as f32 / 4.0)).collect();
    place.put("x.safetensors", file(&[("images", "F32", &[4, 1, 8, 8], images)]));
    let said = place.succeed(&format!("verify {both} --data x.safetensors --examples 3"));
    assert!(said.starts_with("3 examples of x.safetensors: 100 %"), "{said}");
    // With itself, and the same drawn numbers each time.
    let itself = json(&place, &format!("--weights {NET} --with {NET} --examples 7 --seed 3"));
    assert_eq!((&itself["examples"], &itself["largest_distance"]), (&7.into(), &0.0.into()), "{itself}");
    assert_eq!((&itself["same_power"], &itself["differing"]), (&1.0.into(), &Value::Array(vec![])));
}

#[test]
fn integers_that_answer_otherwise_are_told_example_by_example() {
    let place = Workplace::with_net();
    let quantize = format!("quantize --weights {NET} --data digits --weights-bits 2 --least-agreement 0%");
    place.succeed(&format!("{quantize} --out q.safetensors"));
    let both = format!("--weights {NET} --with q.safetensors");
    let found = json(&place, &format!("{both} --data digits"));
    let same = found["same_class"].as_f64().unwrap();
    assert!(0.0 < same && same < 1.0, "{found}");
    let differing = found["differing"].as_array().unwrap();
    assert!((1..=5).contains(&differing.len()), "{found}");
    assert!(differing.iter().all(|example| example["class"] != example["with"]), "{found}");
    let [largest, mean] = ["largest_distance", "mean_distance"].map(|key| found[key].as_f64().unwrap());
    assert!(0.0 < mean && mean < largest, "{found}");
    let drawn = |seed: u64| json(&place, &format!("{both} --seed {seed}"))["mean_distance"].clone();
    assert!(drawn(1) == drawn(1) && drawn(1) != drawn(2));

    let told = |line: &str| place.run(&format!("verify {both} {line}")).err;
    assert!(
        told("").contains("inputs are drawn from the standard normal distribution, which integers cut off")
    );
    assert!(!told("--data digits").contains("drawn"));
    // What is rounded between its own bounds is not cut off.
    let rows = format!("quantize --weights {NET} --data digits --dynamic type:linear --out rows.safetensors");
    place.succeed(&rows);
    let told = place.run(&format!("verify --weights {NET} --with rows.safetensors")).err;
    assert!(!told.contains("which integers cut off"), "{told}");

    let line = format!("verify {both} --data digits --least-agreement 0.999999");
    let outcome = place.run(&line);
    assert!(outcome.code == Some(2) && outcome.out.starts_with("360 examples of digits: "), "{outcome:#?}");
    let (class, with) = (&differing[0]["class"], &differing[0]["with"]);
    let shown = format!("example {}: class {class}, with q.safetensors {with}\n", differing[0]["example"]);
    assert!(outcome.out.contains(&shown), "{outcome:#?}");
    let refused = crate::child::Outcome { out: String::new(), ..outcome };
    one_line_error(&line, &refused, &["of the examples have the same class, less than 0.999999"]);

    place.succeed("export --form qdq --weights q.safetensors --out q.onnx");
    for engine in ["--exact", "--runtime"] {
        let line = format!("--weights q.safetensors --with q.onnx --data digits {engine}");
        assert_eq!(json(&place, &line)["same_class"], 1.0, "{engine}");
    }
    // Of a file without integers the floating-point answers are compared with these.
    let exact = |both: [&str; 2]| {
        let line = format!("--weights {} --with {} --data digits --exact", both[0], both[1]);
        json(&place, &line)["same_class"].clone()
    };
    let same = exact([NET, "q.safetensors"]);
    assert!(same == exact(["q.safetensors", NET]) && 0.0 < same.as_f64().unwrap(), "{same}");
}

#[test]
fn notes_of_the_other_file_are_told_with_its_name() {
    let place = Workplace::with_net();
    let mut soft = StateFile::from_bytes(&place.read(NET)).unwrap();
    soft.metadata["onnx"] = json!({ "softmax": true });
    place.put("soft.safetensors", soft.to_bytes().unwrap());
    place.succeed("export --weights soft.safetensors --out soft.onnx");
    let told = |weights: &str| {
        let outcome = place.run(&format!("verify --weights {weights} --with soft.onnx"));
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        outcome.err
    };
    let [one_sided, both] = [told(NET), told("soft.safetensors")];
    for said in [&one_sided, &both] {
        assert!(said.contains("note: the softmax at the end of the ONNX file is left out"), "{said}");
        assert!(said.contains("outputs are logits: soft.onnx\n"), "{said}");
    }
    let logits = "of `--with` ends with a softmax, and that of `--weights` with none: logits are compared\n";
    assert!(one_sided.contains(logits) && !both.contains("logits are compared"), "{one_sided}{both}");
}

#[test]
fn labels_are_not_looked_at_and_an_open_size_is_that_of_the_other_file() {
    let place = Workplace::with_net();
    place.succeed(&format!("export --weights {NET} --out net.onnx"));
    let (fixed, open) = (b"\x0a\x02\x08\x08\x0a\x02\x08\x08", b"\x0a\x02\x12\0\x0a\x02\x12\0");
    place.put("open.onnx", replaced(&place.read("net.onnx"), &fixed[..], &open[..]));
    let images = || ("images", "F32", &[2, 1, 8, 8][..], floats(128, 0.5));
    let wrong = [-1i64, 99, 3].iter().flat_map(|label| label.to_le_bytes()).collect();
    for (name, labels) in [
        ("classes.safetensors", ("labels", "I64", &[3][..], wrong)),
        ("numbers.safetensors", ("labels", "F32", &[2, 1][..], floats(2, 7.5))),
    ] {
        place.put(name, file(&[images(), labels]));
        let said = place.succeed(&format!("verify --weights {NET} --with open.onnx --data {name}"));
        assert!(said.starts_with(&format!("2 examples of {name}: 100 %")), "{said}");
    }
}

#[test]
fn distances_from_zeros_are_numbers() {
    let place = Workplace::with_net();
    let mut zeros = StateFile::from_bytes(&place.read(NET)).unwrap();
    for value in zeros.state.0.values_mut() {
        *value = Array::from_fn(value.shape(), |_| 0.0f32);
    }
    place.put("zeros.safetensors", zeros.to_bytes().unwrap());
    let found = json(&place, &format!("--weights zeros.safetensors --with {NET}"));
    assert!(1.0 <= found["largest_distance"].as_f64().unwrap(), "{found}");
    assert_eq!(found["same_power"], 0.0, "{found}");
}

#[test]
fn networks_without_classes_and_of_tokens_are_compared() {
    let place = Workplace::new();
    let one = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 1)
    });
    place.put("one.safetensors", one.read("net.safetensors"));
    let line = "verify --weights one.safetensors --with one.safetensors --least-agreement 100%";
    let said = place.succeed(line);
    assert!(said.contains(": 100 % of the outputs' power is the same\n"), "{said}");
    let found = json(&place, "--weights one.safetensors --with one.safetensors");
    assert!(found["same_class"].is_null() && found["same_power"] == 1.0, "{found}");

    let entry = Entry { name: "tokens".into(), dims: Dims::rows(4), integers: true };
    let tokens = with_layers(entry, |g, x| {
        let x = g.embedding("table", x, 30, 5);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    place.put("tokens.safetensors", tokens.read("net.safetensors"));
    let both = "verify --weights tokens.safetensors --with tokens.safetensors";
    place.refuse(both, &["takes integers, which are not drawn", "`--data`"]);
    let values = [3i64, 1, 4, 1, 5, 9, 2, 6].iter().flat_map(|token| token.to_le_bytes()).collect();
    place.put("x.safetensors", file(&[("input", "I64", &[2, 4], values)]));
    let said = place.succeed(&format!("{both} --data x.safetensors"));
    assert!(said.starts_with("2 examples of x.safetensors: 100 %"), "{said}");
    let entry = Entry { name: "tokens".into(), dims: Dims::rows(4), integers: true };
    let fewer = with_layers(entry, |g, x| {
        let x = g.embedding("table", x, 20, 5);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    place.put("fewer.safetensors", fewer.read("net.safetensors"));
    place.refuse(
        "verify --weights tokens.safetensors --with fewer.safetensors --data x.safetensors",
        &["expected a table of 30 entries or more", "found one of 20 entries: fewer.safetensors"],
    );
    place.succeed("verify --weights fewer.safetensors --with tokens.safetensors --data x.safetensors");
    place.refuse(
        "verify --weights one.safetensors --with tokens.safetensors",
        &["one of the networks takes integers", "tokens.safetensors"],
    );
}

#[test]
fn what_cannot_be_compared_is_one_line() {
    let place = Workplace::with_net();
    let three = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    place.put("three.safetensors", three.read("net.safetensors"));
    let narrow = with_layers(Entry::images([1, 4, 4]), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 10)
    });
    place.put("narrow.safetensors", narrow.read("net.safetensors"));
    for (more, expected) in [
        (
            "--with three.safetensors",
            &["expected outputs of [10, 1, 1]", "found [3, 1, 1]: three.safetensors"][..],
        ),
        ("--with narrow.safetensors", &["does not take 1x8x8 inputs", ": narrow.safetensors"]),
        ("--with none.safetensors", &["cannot read", "none.safetensors"]),
        ("--with net.safetensors --exact", &["`--exact` computes with integers, and the file has none"]),
        ("--with net.safetensors --least-agreement 101%", &["expected a share from 0 to 1"]),
        ("--with net.safetensors --data digits --seed 1", &["cannot be used with", "--seed"]),
        ("--with net.safetensors --image 3x8x8", &["`--image` and `--skip-bad`"]),
        ("--with net.safetensors --examples 0", &["expected a number from 1 on"]),
        ("", &["--with"]),
    ] {
        place.refuse(&format!("verify --weights {NET} {more}"), expected);
    }
}
