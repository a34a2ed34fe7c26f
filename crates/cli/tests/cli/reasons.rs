//! Why masks are not what one expects: what `score` and `prune` say beside their results.

use sapwood_core::{Array, StateFile};

use crate::{
    safetensors::{Entry, file, floats},
    workplace::{NET, Workplace},
};

fn read(place: &Workplace, file: &str) -> StateFile {
    StateFile::from_bytes(&place.read(file)).unwrap()
}

/// [`NET`] with a function of each weight in the place of the weight.
fn changed(place: &Workplace, name: &str, value: impl Fn(f32) -> f32) {
    let mut file = read(place, NET);
    for (path, data) in &mut file.state.0 {
        if path.as_str().ends_with(".weight") {
            let values: Vec<f32> = data.iter::<f32>().map(&value).collect();
            *data = Array::new(data.shape(), values).unwrap();
        }
    }
    place.put(name, file.to_bytes().unwrap());
}

/// Runs a command that succeeds, and returns its last line and its warnings.
fn said(place: &Workplace, line: &str) -> (String, Vec<String>) {
    let outcome = place.run(line);
    assert_eq!(outcome.code, Some(0), "{line}: {outcome:#?}");
    let warnings = outcome.err.lines().filter(|line| line.starts_with("warning: "));
    (outcome.out.lines().last().unwrap_or_default().into(), warnings.map(Into::into).collect())
}

#[test]
fn equal_weights_are_spread_over_the_layers_and_counted() {
    let place = Workplace::with_net();
    changed(&place, "binary.safetensors", |w| 0.05_f32.copysign(w));
    for (sparsity, kept) in [("0.5", 1160), ("0.9", 232)] {
        let (line, warnings) = said(
            &place,
            &format!("prune --weights binary.safetensors --sparsity {sparsity} --out p.safetensors"),
        );
        assert!(line.starts_with(&format!("{kept} of 2320 weights kept")), "{line}");
        let ties = format!("2320 equal scores of 0.05 at the threshold, {kept} of them kept");
        assert!(warnings[0].contains(&ties), "{warnings:?}");
        assert!(!warnings.iter().any(|warning| warning.contains("no path leads")), "{warnings:?}");
        for (path, mask) in read(&place, "p.safetensors").masks {
            let density = mask.count_ones() as f64 / mask.len() as f64;
            assert!((density - kept as f64 / 2320.0).abs() < 0.01, "{path}: {density}");
        }
    }
    changed(&place, "zero.safetensors", |_| 0.0);
    let (_, warnings) = said(&place, "prune --weights zero.safetensors --sparsity 0.5 --out p.safetensors");
    assert!(warnings[0].starts_with("warning: all scores are zero"), "{warnings:?}");
    assert!(
        warnings[1].contains("2320 equal scores of 0 at the threshold, 1160 of them kept"),
        "{warnings:?}"
    );
    let (_, warnings) = said(&place, &format!("prune --weights {NET} --sparsity 0.5 --out p.safetensors"));
    assert!(!warnings.iter().any(|warning| warning.contains("equal")), "{warnings:?}");
}

#[test]
fn scores_that_f32_cannot_hold_name_the_precision_that_can() {
    let place = Workplace::with_net();
    changed(&place, "large.safetensors", |w| w * 1e16);
    changed(&place, "small.safetensors", |w| w * 1e-17);
    for command in ["score", "prune --sparsity 0.5"] {
        let line = |file: &str, precision: &str| {
            format!(
                "{command} --weights {file}.safetensors --criterion synflow --precision {precision} --out p.safetensors"
            )
        };
        place.refuse(&line("large", "f32"), &["are not finite", "compute in f64 (`--precision f64`)"]);
        let (_, warnings) = said(&place, &line("small", "f32"));
        assert!(
            warnings[0].contains("are zero") && warnings[0].ends_with("compute in f64 (`--precision f64`)"),
            "{warnings:?}"
        );
        for file in ["large", "small"] {
            let (_, warnings) = said(&place, &line(file, "f64"));
            assert!(!warnings.iter().any(|warning| warning.contains("f64")), "{file}: {warnings:?}");
        }
        std::fs::remove_file(place.path().join("p.safetensors")).unwrap();
    }
}

#[test]
fn the_input_of_synflow_has_the_size_of_the_data() {
    let place = Workplace::new();
    place.succeed(
        "train --model resnet-20 --width 0.25 --data digits --examples 20 --epochs 1 --until 0it --out new",
    );
    let batch = |file_name: &str, shape: [usize; 3]| {
        let images = floats(2 * shape.iter().product::<usize>(), 0.5);
        let shape = [2, shape[0], shape[1], shape[2]];
        let tensors: [Entry<'_>; 2] =
            [("images", "F32", &shape, images), ("labels", "I64", &[2], vec![0; 16])];
        place.put(file_name, file(&tensors));
    };
    batch("batch.safetensors", [1, 20, 16]);
    batch("colour.safetensors", [3, 20, 16]);
    let scores = |more: &str, size: &str| {
        let line =
            format!("score --weights new/weights.safetensors --criterion synflow {more} --out s.safetensors");
        let outcome = place.run(&line);
        assert_eq!(outcome.code, Some(0), "{line}: {outcome:#?}");
        assert!(outcome.err.contains(&format!("the input of ones is {size}")), "{line}: {}", outcome.err);
        read(&place, "s.safetensors").state
    };
    let usual = scores("", "1x8x8");
    let data = scores("--data batch.safetensors", "1x20x16");
    assert_ne!(usual, data);
    assert_eq!(data, scores("--input 1x20x16", "1x20x16"));
    // What is known of a data set is enough: it need not be there. Its images get the size that the weights learnt from.
    assert_eq!(scores("--data fashion-mnist", "1x8x8, as the data's images are given to the network"), usual);
    // With a global average a score is a mean over the places of what flows; larger inputs have fewer edges.
    let last = |state: &sapwood_core::State| state.0["fc.weight"].iter::<f64>().sum::<f64>();
    assert!(last(&usual) < last(&data), "{} {}", last(&usual), last(&data));

    let prune = "prune --weights new/weights.safetensors --criterion synflow --sparsity 0.9 --iterations 3";
    place.succeed(&format!("{prune} --data batch.safetensors --out a.safetensors"));
    place.succeed(&format!("{prune} --input 1x20x16 --out b.safetensors"));
    assert_eq!(place.read("a.safetensors"), place.read("b.safetensors"));
    place.refuse(
        &format!("{prune} --data colour.safetensors --out c.safetensors"),
        &["does not take 3x20x16"],
    );
    place.refuse(&format!("{prune} --input 2x8x8 --out c.safetensors"), &["does not take 2x8x8"]);
    place.refuse(&format!("{prune} --input 1x8 --out c.safetensors"), &["as in 3x32x32"]);
    place.refuse(
        &format!("{prune} --input 1x8x8 --data batch.safetensors --out c.safetensors"),
        &["cannot be used with"],
    );
    place.refuse(
        "prune --weights new/weights.safetensors --sparsity 0.5 --input 1x8x8 --out c.safetensors",
        &["`--input`", "criterion `magnitude` makes none"],
    );
}

#[test]
fn what_groups_and_patterns_make_of_a_sparsity_is_said() {
    let place = Workplace::with_net();
    let prune = |more: &str| said(&place, &format!("prune --weights {NET} {more} --out p.safetensors"));
    // 30 + 10 + 10 neurons, of 64, 30 and 10 weights.
    let (line, _) = prune("--sparsity 0.5 --granularity filter");
    let masks = read(&place, "p.safetensors").masks;
    let gone: usize = masks.values().map(|mask| mask.len() - mask.count_ones()).sum();
    assert!(gone != 1160, "neurons are of different sizes");
    let expected = format!("; {gone} ({:.2} %) gone with 25 of 50 filters", 100.0 * gone as f64 / 2320.0);
    assert!(line.ends_with(&expected), "{line}");
    // Blocks of 4 rows: 8 * 16 + 3 * 8 + 3 * 3.
    let (line, _) = prune("--sparsity 0.25 --granularity 4x4");
    assert!(line.ends_with("gone with 40 of 161 blocks of 4x4"), "{line}");

    let (line, warnings) = prune("--sparsity 0.5 --granularity 2:4");
    // Of 64, 30 and 10 inputs, 64, 28 and 8 are in groups.
    assert!(
        line.starts_with("1180 of 2320 weights kept") && line.ends_with("; 1140 (49.14 %) gone"),
        "{line}"
    );
    let expected = "warning: inputs that groups of 4 leave over stay dense: 2 of 30 of `fc2.weight`, 2 of 10 of `fc3.weight`";
    assert_eq!(warnings[0], expected);
    let (line, warnings) = prune("--sparsity 0.75 --granularity 4:16");
    assert!(line.ends_with("; 1560 (67.24 %) gone"), "{line}");
    assert_eq!(warnings[0], "warning: stays dense, with fewer than 16 inputs: `fc3.weight` (10 inputs)");
    let refuse = |more: &str, expected: &str| {
        std::fs::remove_file(place.path().join("p.safetensors")).ok();
        place
            .refuse(&format!("prune --weights {NET} --sparsity 0.5 {more} --out p.safetensors"), &[expected]);
    };
    refuse("--granularity 4:2", "N is at most M: is 2:4 meant?");
    refuse("--granularity 50:100", "no layer has 100 inputs (the widest has 64)");
}

#[test]
fn layers_that_lose_everything_are_one_line() {
    let place = Workplace::new();
    place.succeed(
        "train --model resnet-20 --width 0.25 --data digits --examples 20 --epochs 1 --until 0it --out new",
    );
    let line = "prune --weights new/weights.safetensors --sparsity 0.999 --out p.safetensors";
    let (_, warnings) = said(&place, line);
    let collapse: Vec<&String> =
        warnings.iter().filter(|warning| warning.contains("layer collapse")).collect();
    assert_eq!(collapse.len(), 1, "{warnings:?}");
    assert!(collapse[0].contains(" layers, `") && collapse[0].contains(" more is kept"), "{collapse:?}");
    let (_, warnings) = said(&place, &line.replace("0.999", "1"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("none of the") && warnings[0].contains("ask for a sparsity below 1"),
        "{warnings:?}"
    );
}
