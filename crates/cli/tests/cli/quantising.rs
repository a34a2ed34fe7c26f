//! Integers in the place of weights, as commands make them and take them.

use sapwood_core::{StateFile, graph::DType};

use crate::{
    safetensors,
    workplace::{NET, Workplace},
};

#[test]
fn a_quantised_network_is_smaller_and_answers_alike() {
    let place = Workplace::with_net();
    let refuse = |more: &str, expected: &[&str]| {
        place.refuse(&format!("quantize --weights {NET} --data digits {more} --out q"), expected);
    };
    refuse("--except *", &["no layer is left"]);
    refuse("--except fc3 --dynamic type:linear", &["both describe `fc3`"]);
    refuse("--except fc3 --layer-bits fc3=4", &["`--except` and `--layer-bits` both describe `fc3`"]);
    refuse("--mixed --budget 4kB --weights-bits 4", &["--weights-bits", "--mixed"]);
    // What is missing is told before anything is read.
    place.refuse(
        "quantize --weights none --data digits --mixed --out q",
        &["wants `--budget` or `--max-drop`"],
    );
    let said =
        place.succeed(&format!("quantize --weights {NET} --data digits --calibrate 200 --out q.safetensors"));
    assert!(said.contains("of 200 training examples") && said.contains("fc1"), "{said}");
    let again =
        place.succeed(&format!("quantize --weights {NET} --data digits --calibrate 200 --out r.safetensors"));
    assert_eq!(said, again);
    let bytes = place.read("q.safetensors");
    assert!(bytes == place.read("r.safetensors"));
    // Of a network of 2,330 weights names and ranges are a good part; `docs/results-integers.md` has larger ones.
    assert!(2 * bytes.len() < place.read(NET).len(), "{} bytes", bytes.len());
    let top1 = |line: &str| {
        let said = place.succeed(line);
        let share = said.split("top-1 ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_string);
        share.and_then(|share| share.parse::<f64>().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    let float = top1(&format!("eval --weights {NET} --data digits"));
    for line in
        ["eval --weights q.safetensors --data digits", "eval --exact --weights q.safetensors --data digits"]
    {
        assert!((top1(line) - float).abs() < 1.5, "{line}");
    }
    let exact = place.succeed("eval --exact --weights q.safetensors --data digits");
    for form in ["qdq", "qoperator"] {
        let said = place.succeed(&format!("export --form {form} --weights q.safetensors --out q.onnx"));
        assert!(
            said.contains("ONNX in integers, opset 18") && said.contains("read back and equal"),
            "{said}"
        );
        for engine in ["--exact", "--runtime"] {
            assert_eq!(
                place.succeed(&format!("eval {engine} --weights q.onnx --data digits")),
                exact,
                "{form}"
            );
        }
        let profiled = place.succeed("profile --weights q.onnx --runs 1");
        assert!(profiled.contains("fc1") && profiled.contains("linear dense int8"), "{profiled}");
    }
    for more in [
        "--weights-bits 4 --method gptq --ranges mse",
        "--weights-bits 4 --method adaround --calibrate 64 --equalise --correct-bias --layer-bits fc3=8",
        "--per group:16 --activations s8 --ranges entropy --except fc3",
        "--per tensor --ranges percentile --calibrate 100",
        "--dynamic type:linear",
        "--dynamic fc2 --except fc3 --method gptq",
    ] {
        place.succeed(&format!("quantize --weights {NET} --data digits {more} --out m.safetensors"));
        let found = top1("eval --weights m.safetensors --data digits");
        assert!((found - float).abs() < 5.0, "{more}");
        // The runtime rounds what the tensor library rounds: an image in 360 may lie between two classes.
        let by_runtime = top1("eval --weights m.safetensors --data digits --runtime");
        assert!((by_runtime - found).abs() < 0.6, "{more}: {by_runtime} {found}");
    }
    place.refuse(
        "eval --weights m.safetensors --data digits --exact",
        &["layer `fc2`", "compute the network by `--runtime` instead of `--exact`"],
    );
    place.succeed(&format!("quantize --weights {NET} --data digits --per group:32 --out g.safetensors"));
    let export = "export --form qdq --weights g.safetensors --out g.onnx";
    place.refuse(export, &["from opset 21 on: add `--opset 21`"]);
    place.succeed(&format!("{export} --opset 21"));
}

#[test]
fn weights_of_7_bits_are_bytes_of_which_two_products_fit_16_bits() {
    let place = Workplace::with_net();
    let said = place.succeed(&format!(
        "quantize --weights {NET} --data digits --calibrate 200 --weights-bits 7 --out q.safetensors"
    ));
    let of_fc1 = said.lines().find(|line| line.starts_with("fc1")).unwrap_or_default();
    assert_eq!(of_fc1.split_whitespace().skip(2).take(2).collect::<Vec<_>>(), ["7", "127"], "{said}");
    let file = StateFile::from_bytes(&place.read("q.safetensors")).unwrap();
    assert_eq!(file.quantized.len(), 3);
    for (path, weight) in &file.quantized {
        let most = weight.values().iter::<i64>().map(i64::abs).max();
        assert_eq!((weight.dtype(), most), (DType::I8, Some(63)), "{path}");
    }
    let exact = place.succeed("eval --exact --weights q.safetensors --data digits");
    for form in ["qdq", "qoperator"] {
        let said = place.succeed(&format!("export --form {form} --weights q.safetensors --out q.onnx"));
        assert!(said.contains("read back and equal"), "{said}");
        assert_eq!(place.succeed("eval --exact --weights q.onnx --data digits"), exact, "{form}");
    }
}

#[test]
fn what_integers_cost_is_told_in_json_alone() {
    let place = Workplace::with_net();
    let quantize = |more: &str| {
        format!(
            "quantize --weights {NET} --data digits --calibrate 200 --equalise --json --out q.safetensors {more}"
        )
    };
    let json = |said: &str| serde_json::from_str::<serde_json::Value>(said).unwrap();
    let outcome = place.run(&quantize("--weights-bits 2 --least-agreement 100%"));
    assert!(outcome.code == Some(2) && !place.has("q.safetensors"), "{outcome:#?}");
    let refused = json(&outcome.out);
    assert!(refused["bytes"].is_null() && refused["layers"][0]["bits"] == 2, "{refused}");

    let found = json(&place.succeed(&quantize("--layer-bits fc3=7")));
    let layers = found["layers"].as_array().unwrap();
    let of = |key: &str| layers.iter().map(|layer| layer[key].to_string()).collect::<Vec<_>>();
    assert_eq!(of("layer"), ["\"fc1\"", "\"fc2\"", "\"fc3\""]);
    assert_eq!(of("weights"), ["1920", "300", "100"]);
    assert_eq!(of("bits"), ["8", "8", "7"]);
    assert!(found["same_answer"].as_f64() >= Some(0.95) && found["same_power"].is_null(), "{found}");
    assert_eq!(
        (&found["bytes"], &found["examples"]),
        (&place.read("q.safetensors").len().into(), &200.into())
    );
    assert_eq!((&found["equalised_pairs"], &found["mixed"]), (&2.into(), &serde_json::Value::Null));
    // 2,320 weights and 50 biases.
    assert_eq!(found["bytes_in_f32"], 4 * 2370, "{found}");
}

#[test]
fn what_cannot_be_quantised_and_what_integers_cannot_be_used_for_is_one_line() {
    let place = Workplace::with_net();
    let quantize = |more: &str| format!("quantize --weights {NET} --data digits --out q.safetensors {more}");
    for (more, said) in [
        ("--weights-bits 9", "weights have 2 to 8 bits, not 9"),
        ("--ranges average", "unknown range method `average`"),
        ("--method round", "unknown rounding `round`"),
        ("--except conv9", "conv9"),
        ("--dynamic type:conv", "`--dynamic`: `type:conv` is no type of a layer here"),
        ("--mixed", "`--mixed` wants `--budget` or `--max-drop`"),
        ("--mixed --budget 5kbits", "bytes as in 500kB"),
        ("--mixed --budget 10B", "the fewest bits take"),
        ("--mixed --max-drop 101", "points from 0 to 100"),
        ("--mixed --budget 1kB --searcher hope", "hope"),
        ("--budget 1kB", "--mixed"),
        ("--layer-bits fc1", "expected a layer and its bits"),
        ("--layer-bits zzz=4", "`--layer-bits`: `zzz` describes no layer: the nearest are fc1"),
        ("--per row", "expected `tensor`, `channel`"),
        ("--calibrate 0", "0"),
        ("--least-agreement 2", "a share from 0 to 1"),
    ] {
        place.refuse(&quantize(more), &[said]);
    }
    // What each layer costs is told all the same.
    let outcome = place.run(&quantize("--weights-bits 2 --least-agreement 1"));
    assert!(outcome.code == Some(2) && outcome.out.contains("fc1"), "{outcome:#?}");
    assert!(outcome.err.lines().count() == 1 && outcome.err.contains("most is lost in `fc"), "{outcome:#?}");
    assert!(!place.has("q.safetensors"));
    place.succeed(&quantize("--weights-bits 2 --least-agreement 1 --force"));
    for (line, said) in [
        ("train --weights q.safetensors --data digits --out run", "cannot be trained or changed yet"),
        (
            "prune --weights q.safetensors --sparsity 0.5 --out p.safetensors",
            "cannot be trained or changed yet",
        ),
        (
            "quantize --weights q.safetensors --data digits --out p.safetensors",
            "cannot be trained or changed yet",
        ),
        ("export --weights q.safetensors --out q.onnx", "`--form qdq`"),
        (
            "train --model lenet-300-100 --width 0.1 --data digits --teacher q.safetensors --out t",
            "cannot be those of a teacher yet",
        ),
        ("export --form pytorch --weights q.safetensors --out q", "cannot be written for PyTorch yet"),
    ] {
        place.refuse(line, &["3 weights as integers", said]);
    }
    place.refuse(&format!("eval --exact --weights {NET} --data digits"), &["the file has none"]);
    place.refuse(&format!("export --form qdq --weights {NET} --out q.onnx"), &["the file has no integers"]);
}

#[test]
fn layers_get_the_bits_that_a_budget_allows() {
    let place = Workplace::with_net();
    let quantize = |more: &str| {
        let line = format!(
            "quantize --weights {NET} --data digits --calibrate 200 --force --out q.safetensors {more}"
        );
        let said = place.succeed(&line);
        let tau = said.split("Kendall's tau ").nth(1).and_then(|rest| rest.split_whitespace().next());
        assert!(tau.is_some_and(|tau| tau.parse::<f64>().is_ok_and(|tau| 0.3 < tau)), "{said}");
        (said, place.read("q.safetensors").len())
    };
    // 2,320 weights: 2,320 bytes with 8 bits, 580 with 2.
    let (said, large) = quantize("--mixed --budget 2kB");
    assert!(said.contains("*"), "{said}");
    let (_, small) = quantize("--mixed --budget 1kB");
    assert!(small < large, "{small} {large}");
    quantize("--mixed --budget 1kB --searcher regularised-evolution");
    quantize("--mixed --budget 12kbops --mixed-bits 8,6,5,4,3");
    quantize("--mixed --max-drop 1");
}

#[test]
fn a_file_of_examples_calibrates_as_well() {
    let place = Workplace::with_net();
    let arrays = |with_labels: bool| {
        let images: Vec<f32> = (0..20 * 64).map(|at| ((at * 37) % 17) as f32 / 8.0 - 1.0).collect();
        let images = images.into_iter().flat_map(f32::to_le_bytes).collect();
        let mut tensors: Vec<safetensors::Entry<'_>> = vec![("images", "F32", &[20, 1, 8, 8], images)];
        if with_labels {
            tensors.push(("labels", "I64", &[20], 3i64.to_le_bytes().repeat(20)));
        }
        safetensors::file(&tensors)
    };
    for with_labels in [true, false] {
        place.put("some.safetensors", arrays(with_labels));
        let said = place.succeed(&format!(
            "quantize --weights {NET} --data some.safetensors --force --out q.safetensors"
        ));
        assert!(said.contains("of 20 "), "{said}");
    }
    for command in ["quantize --out r.safetensors", "eval"] {
        place.refuse(
            &format!("{command} --weights {NET} --data some.safetensors --allow-more-outputs"),
            &["`--allow-more-outputs` is for the classes of a data set, and none is read"],
        );
    }
    place.put("some.safetensors", safetensors::file(&[]));
    place.refuse(
        &format!("quantize --weights {NET} --data some.safetensors --out r.safetensors"),
        &["expected a tensor `images`"],
    );
}
