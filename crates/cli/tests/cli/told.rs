//! What is done as it was asked for, and is told of since it may have been meant otherwise.

use crate::{
    studies::short,
    workplace::{NET, Workplace},
};

#[test]
fn more_examples_than_there_are_is_all_of_them_and_a_note() {
    let place = Workplace::new();
    let said =
        "note: 99999999999 training examples of `digits` were asked for, and there are 1437: all are taken";
    let train = |examples: usize, out: &str| {
        format!(
            "train --model lenet-300-100 --width 0.1 --data digits --until 0it --examples {examples} --out {out}"
        )
    };
    let told = |line: &str| {
        let outcome = place.run(line);
        assert_eq!(outcome.code, Some(0), "{line}: {outcome:#?}");
        outcome.err.lines().filter(|line| *line == said).count()
    };
    assert_eq!(told(&train(99_999_999_999, "run")), 1);
    assert_eq!(told(&train(1437, "other")), 0);
    let data = "name = \"digits\"\nexamples = 99999999999";
    place.put("first.toml", short(data, 1437, "criterion = \"magnitude\""));
    assert_eq!(told("run first.toml"), 1);
}

#[test]
fn few_examples_by_which_values_are_bound_are_told_of() {
    let place = Workplace::with_net();
    let told = |number: usize| {
        let line = format!(
            "quantize --weights {NET} --data digits --calibrate {number} --force --out q{number}.safetensors"
        );
        let outcome = place.run(&line);
        assert_eq!(outcome.code, Some(0), "{line}: {outcome:#?}");
        outcome.err
    };
    assert!(told(1).contains("are those of 1 example alone: "), "{}", told(1));
    assert!(told(31).contains("are those of 31 examples alone: "));
    assert!(!told(32).contains("alone"));
}
