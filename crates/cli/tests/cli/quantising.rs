//! Integers in the place of weights, as commands make them and take them.

use crate::workplace::{NET, Workplace};

#[test]
fn a_quantised_network_is_smaller_and_answers_alike() {
    let place = Workplace::with_net();
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
    for more in [
        "--weights-bits 4 --method gptq --ranges mse",
        "--weights-bits 4 --method adaround --calibrate 64 --equalise --correct-bias --layer-bits fc3=8",
        "--per group:16 --activations s8 --ranges entropy --except fc3",
        "--per tensor --ranges percentile --calibrate 100",
    ] {
        place.succeed(&format!("quantize --weights {NET} --data digits {more} --out m.safetensors"));
        assert!((top1("eval --weights m.safetensors --data digits") - float).abs() < 5.0, "{more}");
    }
}

#[test]
fn what_cannot_be_quantised_and_what_integers_cannot_be_used_for_is_one_line() {
    let place = Workplace::with_net();
    let quantize = |more: &str| format!("quantize --weights {NET} --data digits --out q.safetensors {more}");
    for (more, said) in [
        ("--weights-bits 7", "weights have 8, 6, 5, 4, 3 or 2 bits, not 7"),
        ("--ranges average", "unknown range method `average`"),
        ("--method round", "unknown rounding `round`"),
        ("--except conv9", "unknown layer `conv9`"),
        ("--layer-bits fc1", "expected a layer and its bits"),
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
        ("export --weights q.safetensors --out q.onnx", "cannot be written as ONNX yet"),
    ] {
        place.refuse(line, &["3 weights as integers", said]);
    }
    place.refuse(&format!("eval --exact --weights {NET} --data digits"), &["the file has none"]);
}
