//! Weight files that others wrote, as commands take them.

use sapwood_core::{Array, StateFile};

use crate::{
    safetensors::{Entry, file},
    workplace::{NET, Workplace},
};

/// The trained network's tensors without metadata, under other names and with other values.
fn foreign(place: &Workplace, change: impl Fn(&str, Vec<f32>) -> Vec<(String, Vec<f32>)>) -> Vec<u8> {
    let tensors = StateFile::from_bytes(&place.read(NET)).unwrap().state.0;
    let changed: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .flat_map(|(path, value)| {
            let shape = value.shape().to_vec();
            let bytes = |values: Vec<f32>| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
            let changed = change(path.as_str(), floats(value));
            changed.into_iter().map(move |(name, values)| (name, shape.clone(), bytes(values)))
        })
        .collect();
    let entry = |(name, shape, bytes): &(String, Vec<usize>, Vec<u8>)| -> Entry<'_> {
        // Names live as long as the test.
        (name.clone().leak(), "F32", shape.clone().leak(), bytes.clone())
    };
    file(&changed.iter().map(entry).collect::<Vec<_>>())
}

fn floats(value: &Array) -> Vec<f32> {
    value.iter::<f32>().collect()
}

fn under(prefix: &'static str) -> impl Fn(&str, Vec<f32>) -> Vec<(String, Vec<f32>)> {
    move |name, values| vec![(format!("{prefix}{name}"), values)]
}

/// Two of three weights are zero.
fn sparse(name: &str, values: Vec<f32>) -> Vec<f32> {
    if name.ends_with("bias") {
        return values;
    }
    values.into_iter().enumerate().map(|(at, x)| if at % 3 == 0 { x } else { 0.0 }).collect()
}

fn masks(place: &Workplace, name: &str) -> usize {
    let masks = StateFile::from_bytes(&place.read(name)).unwrap().masks;
    masks.values().map(|mask| mask.count_ones()).sum()
}

#[test]
fn a_network_that_others_wrapped_answers_as_the_bare_one() {
    let place = Workplace::with_net();
    let expected = place.succeed(&format!("eval --data digits --weights {NET}"));
    place.put("wrapped.safetensors", foreign(&place, under("module._orig_mod.")));
    let named = place.run("eval --data digits --weights wrapped.safetensors --model lenet-300-100");
    assert_eq!((named.code, named.out.as_str(), named.err.as_str()), (Some(0), expected.as_str(), ""));
    let guessed = place.run("eval --data digits --weights wrapped.safetensors");
    assert_eq!((guessed.code, guessed.out.as_str()), (Some(0), expected.as_str()));
    assert!(
        guessed.err.contains("note: ") && guessed.err.contains("those of `lenet-300-100`"),
        "{}",
        guessed.err
    );
    let renamed = foreign(&place, |name, values| vec![(name.replace("fc3", "head"), values)]);
    place.put("renamed.safetensors", renamed);
    place.refuse(
        "eval --data digits --weights renamed.safetensors --model lenet-300-100",
        &["missing fc3.weight, fc3.bias", "unexpected head.bias, head.weight", "`--rename OLD=NEW`"],
    );
    let line = "eval --data digits --weights renamed.safetensors --model lenet-300-100 --rename head=fc3";
    assert_eq!(place.succeed(line), expected);
    place.refuse(&format!("{line} --rename tail=fc9"), &["no name in it has `tail`"]);
    place.refuse(&line.replace("head=fc3", "head"), &["expected OLD=NEW"]);
}

#[test]
fn of_several_networks_in_a_file_one_is_chosen_by_its_key() {
    let place = Workplace::with_net();
    let expected = place.succeed(&format!("eval --data digits --weights {NET}"));
    let twice = |a: &'static str, b: &'static str| {
        foreign(&place, move |name, values| {
            let other = values.iter().map(|x| x * 0.5).collect();
            vec![(format!("{a}.{name}"), values), (format!("{b}.{name}"), other)]
        })
    };
    place.put("two.safetensors", twice("generator", "discriminator"));
    let eval = "eval --data digits --model lenet-300-100 --weights";
    place.refuse(
        &format!("{eval} two.safetensors"),
        &["`discriminator`, `generator`", "choose one with `--key`"],
    );
    assert_eq!(place.succeed(&format!("{eval} two.safetensors --key generator")), expected);
    place.refuse(&format!("{eval} two.safetensors --key critic"), &["there is nothing below `critic`"]);
    place.put("averaged.safetensors", twice("model", "model_ema"));
    let outcome = place.run(&format!("{eval} averaged.safetensors"));
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), expected.as_str()));
    assert!(
        outcome.err.contains("read the weights below `model`: there are averaged ones below `model_ema`")
    );
}

#[test]
fn masks_of_pytorchs_pruning_travel_through_training_and_pruning() {
    let place = Workplace::with_net();
    let pruned = foreign(&place, |name, values| match name.ends_with("weight") {
        true => {
            let mask = (0..values.len()).map(|at| f32::from(u8::from(at % 3 == 0))).collect();
            vec![(format!("net.{name}_orig"), values), (format!("net.{name}_mask"), mask)]
        }
        false => vec![(format!("net.{name}"), values)],
    });
    place.put("pruned.safetensors", pruned);
    let described = place.succeed("describe --weights pruned.safetensors");
    assert!(described.contains("774 of 2320 weights kept: 66.64 % removed"), "{described}");
    place.succeed("train --weights pruned.safetensors --data digits --epochs 1 --out again");
    assert_eq!(masks(&place, "again/weights.safetensors"), 774);
    place.succeed("prune --weights pruned.safetensors --sparsity 0.8 --out more.safetensors");
    assert_eq!(masks(&place, "more.safetensors"), 464);
    // The masks alone, in a file of their own.
    let alone = foreign(&place, |name, values| match name.ends_with("weight") {
        true => vec![(name.into(), (0..values.len()).map(|at| f32::from(u8::from(at % 3 == 0))).collect())],
        false => vec![],
    });
    place.put("masks.safetensors", alone);
    place.succeed(&format!(
        "train --weights {NET} --masks masks.safetensors --data digits --epochs 1 --out masked"
    ));
    assert_eq!(masks(&place, "masked/weights.safetensors"), 774);
    place
        .succeed(&format!("prune --weights {NET} --masks-from masks.safetensors --out borrowed.safetensors"));
    assert_eq!(masks(&place, "borrowed.safetensors"), 774);
    place.refuse(
        "eval --data digits --weights pruned.safetensors --masks masks.safetensors",
        &["have masks of their own", "leave `--masks` out"],
    );
}

#[test]
fn a_run_is_named_by_all_that_decides_which_network_it_begins_with() {
    let place = Workplace::with_net();
    place.put("zeros.safetensors", foreign(&place, |name, values| vec![(name.into(), sparse(name, values))]));
    let train = "train --weights zeros.safetensors --model lenet-300-100 --data digits --epochs 1 --out run";
    place.succeed(train);
    // The same folder is no other network's.
    place.refuse(&format!("{train} --masks-from-zeros"), &["the folder holds another run, whose weights"]);
}

#[test]
fn zeros_without_masks_are_said_and_kept_on_request() {
    let place = Workplace::with_net();
    place.put("zeros.safetensors", foreign(&place, |name, values| vec![(name.into(), sparse(name, values))]));
    let described = place.succeed("describe --weights zeros.safetensors");
    assert!(described.contains("1,546 of 2,320 weights are zero but have no mask: 66.64 %"), "{described}");
    assert!(described.lines().next().unwrap().ends_with("zero"), "{described}");
    let train = "train --weights zeros.safetensors --data digits --epochs 1";
    let outcome = place.run(&format!("{train} --out dense"));
    assert!(
        outcome.err.contains(
            "1,546 of 2,320 weights are zero but have no mask: keep them with `--masks-from-zeros`"
        )
    );
    let outcome = place.run(&format!("{train} --masks-from-zeros --out sparse"));
    assert!(!outcome.err.contains("no mask"), "{}", outcome.err);
    assert_eq!(masks(&place, "sparse/weights.safetensors"), 774);
    place.succeed("prune --weights zeros.safetensors --masks-from-zeros --sparsity 0.8 --out p.safetensors");
    assert_eq!(masks(&place, "p.safetensors"), 464);
    let described = place.succeed("describe --weights zeros.safetensors --masks-from-zeros");
    assert!(described.contains("774 of 2320 weights kept"), "{described}");
    // Of each layer a script is told as much as a person.
    for (more, key, all) in [("", "zeros", 1546), ("--masks-from-zeros", "kept", 774)] {
        let described = place.succeed(&format!("describe --weights zeros.safetensors --json {more}"));
        let described: serde_json::Value = serde_json::from_str(&described).unwrap();
        let layers = described["layers"].as_array().unwrap().iter().map(|layer| layer[key].as_u64().unwrap());
        assert_eq!((layers.sum::<u64>(), &described[key]), (all, &all.into()), "{described}");
    }
    place.refuse(&format!("describe --weights {NET} --masks-from-zeros"), &["there is nothing to keep"]);
    place.refuse("describe --model lenet-5 --masks-from-zeros", &["--weights"]);
}

#[test]
fn what_is_not_finite_is_refused_by_every_command() {
    let place = Workplace::with_net();
    let broken = foreign(&place, |name, mut values| {
        if name == "fc2.bias" {
            values[3] = f32::NAN;
        }
        vec![(name.into(), values)]
    });
    place.put("broken.safetensors", broken);
    place.put("x.safetensors", file(&[("input", "F32", &[1, 1, 8, 8], vec![0; 256])]));
    for command in [
        "eval --data digits --weights broken.safetensors",
        "predict --data digits image.png --weights broken.safetensors",
        "prune --sparsity 0.5 --out p --weights broken.safetensors",
        "score --criterion magnitude --out s --weights broken.safetensors",
        "forward --input x.safetensors --out y --weights broken.safetensors",
        "describe --weights broken.safetensors",
        "train --data digits --out run --weights broken.safetensors",
    ] {
        place.refuse(command, &["`fc2.bias` is not finite (1 of 10)", "broken.safetensors"]);
    }
}
