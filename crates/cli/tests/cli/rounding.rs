//! Training with rounding, as a user meets it.

use std::fs;

use sapwood_core::{StateFile, graph::DType};

use crate::{
    studies::STUDY,
    workplace::{NET, Workplace},
};

const TRAIN: &str = "train --data digits --weights net.safetensors --quantize int4 --epochs 2 --lr 0.01 \
     --checkpoint-every 5 --out run";

#[test]
fn a_network_learns_with_rounding_and_ends_with_integers() {
    let place = Workplace::with_net();
    let said = place.succeed(TRAIN);
    let found = place.succeed("eval --data digits --weights run/weights.safetensors");
    assert!(said.starts_with(found.trim_end()), "{said}{found}");
    // The first and the last layer have 8 bits, the middle one 4; what the file means is computed with integers too.
    assert!(2 * place.read("run/weights.safetensors").len() < place.read(NET).len());
    let exact = place.succeed("eval --exact --data digits --weights run/weights.safetensors");
    assert!(exact.contains("top-1 "), "{exact}");
    // What is done is only read.
    let before = place.files();
    let again = place.succeed(TRAIN);
    assert_eq!((again, place.files()), (said, before));
}

#[test]
fn rounding_goes_with_masks_and_other_bits_and_refuses_what_it_cannot_do() {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.8 --out sparse.safetensors"));
    let train = |more: &str| {
        format!("train --data digits --weights sparse.safetensors --epochs 1 --lr 0.01 --out run {more}")
    };
    place.succeed(&train("--quantize int3 --until 1it --freeze-at end"));
    fs::remove_dir_all(place.path().join("run")).unwrap();
    place.succeed(&train("--quantize int3 --layer-bits fc1=8 --layer-bits fc3=6 --freeze-at 10it"));
    let described = place.succeed("describe --weights run/weights.safetensors");
    // 464 of 2,320 weights are kept, and no other has come back.
    assert!(described.contains("464"), "{described}");
    fs::remove_dir_all(place.path().join("run")).unwrap();
    for (more, said) in [
        ("--quantize int9", "expected int8 to int2, found `int9`"),
        ("--quantize int4 --layer-bits fc1", "expected a layer and its bits"),
        ("--quantize int4 --layer-bits fc9=8", "fc9"),
        ("--quantize int4 --quantize-except conv", "conv"),
        (
            "--quantize int4 --quantize-except fc2 --layer-bits fc2=8",
            "`--quantize-except` and `--layer-bits` both describe `fc2`: leave it out of one",
        ),
        ("--quantize int4 --layer-bits fc1=9", "weights have 2 to 8 bits, not 9"),
        ("--quantize int4 --freeze-at 5ep", "5ep comes after the training"),
    ] {
        place.refuse(&train(more), &[said]);
    }
}

#[test]
fn of_bits_that_a_layer_is_given_twice_the_last_count() {
    let place = Workplace::with_net();
    let bits = "--layer-bits type:linear=4 --layer-bits fc1=8";
    place.succeed(&format!(
        "quantize --weights {NET} --data digits --calibrate 64 --force {bits} --out q.safetensors"
    ));
    place.succeed(&format!(
        "train --weights {NET} --data digits --quantize int4 {bits} --epochs 1 --lr 0.01 --out run"
    ));
    for name in ["q.safetensors", "run/weights.safetensors"] {
        let file = StateFile::from_bytes(&place.read(name)).unwrap();
        let of = |layer: &str| file.quantized[format!("{layer}.weight").as_str()].dtype();
        assert_eq!(["fc1", "fc2", "fc3"].map(of), [DType::I8, DType::I4, DType::I4], "{name}");
    }
}

#[test]
fn seven_bits_are_those_of_every_layer() {
    let place = Workplace::with_net();
    let largest = |integers: &str| {
        place.succeed(&format!(
            "train --data digits --weights {NET} --quantize {integers} --epochs 1 --lr 0.01 --out {integers}"
        ));
        let file = StateFile::from_bytes(&place.read(&format!("{integers}/weights.safetensors"))).unwrap();
        ["fc1", "fc2", "fc3"].map(|layer| {
            let weight = &file.quantized[format!("{layer}.weight").as_str()];
            weight.values().iter::<i64>().map(i64::abs).max().unwrap()
        })
    };
    // In a first or last layer of 8 bits sums would saturate that do not with 7.
    let seven = largest("int7");
    assert!(seven.iter().all(|most| (32..=63).contains(most)), "{seven:?}");
    let [first, middle, last] = largest("int6");
    assert!(63 < first && middle <= 31 && 63 < last, "{first} {middle} {last}");
}

#[test]
fn a_study_tries_several_integers() {
    let place = Workplace::new();
    let study = STUDY.replace("sparsities = [0.9]\n", "").replace("epochs = 3", "epochs = 2");
    let (before, _) = study.split_once("[[methods]]").unwrap();
    let method = "[[methods]]\nquantize = [\"int8\", \"int2\"]\nretrain = { fine-tune = { epochs = 1 } }\n";
    place.put("first.toml", format!("{before}{method}"));
    let plan = place.succeed("plan first.toml");
    assert!(plan.contains("int8 learnt") && plan.contains("int2 learnt"), "{plan}");
    place.succeed("run first.toml");
    let results = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    assert!(results.contains("\"int8 learnt, fine-tuned for 1 epochs\""), "{results}");
    let refused = format!("{before}{}iterative = true\nat = \"end\"\ncriterion = \"magnitude\"\n", method);
    place.put("second.toml", format!("sparsities = [0.5]\n{refused}"));
    place.refuse("plan second.toml", &["integers cannot be"]);
}
