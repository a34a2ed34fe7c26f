//! `shrink`, as a user meets it.

use sapwood_core::{State, StateFile};

use crate::workplace::{NET, Workplace};

fn read(place: &Workplace, file: &str) -> StateFile {
    StateFile::from_bytes(&place.read(file)).unwrap()
}

fn shape(state: &State, name: &str) -> Vec<usize> {
    state.0[name].shape().to_vec()
}

/// Trains a small conv-2, the file of which is `conv.safetensors`.
fn convolutional() -> Workplace {
    let place = Workplace::new();
    place.succeed("train --model conv-2 --width 0.2 --data digits --epochs 1 --out run");
    place.put("conv.safetensors", place.read("run/weights.safetensors"));
    place
}

fn logits(place: &Workplace, file: &str) -> Vec<f64> {
    place.succeed(&format!("forward --weights {file} --input x.safetensors --out y.safetensors"));
    let state = read(place, "y.safetensors").state;
    state.0["logits"].iter().collect()
}

#[test]
fn masked_filters_leave_and_the_outputs_stay() {
    let place = convolutional();
    let images: Vec<u8> =
        (0..4 * 64).flat_map(|at| ((at * 37 % 101) as f32 / 50.0 - 1.0).to_le_bytes()).collect();
    place.put("x.safetensors", crate::safetensors::file(&[("input", "F32", &[4, 1, 8, 8], images)]));
    place.succeed(
        "prune --weights conv.safetensors --granularity filter --sparsity 0.5 --allocation uniform \
         --out masked.safetensors",
    );
    let said = place.succeed("shrink --weights masked.safetensors --out small.safetensors");
    assert!(said.contains("channels gone") && said.contains("bytes written"), "{said}");
    let (masked, small) = (place.read("masked.safetensors"), place.read("small.safetensors"));
    assert!(small.len() < masked.len() / 2, "{} of {}", small.len(), masked.len());
    let (before, after) = (logits(&place, "masked.safetensors"), logits(&place, "small.safetensors"));
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let far = norm(&mut before.iter().zip(&after).map(|(a, b)| a - b)) / norm(&mut before.iter().copied());
    assert!(far < 1e-5, "{far:e}");
    // The smaller network is one as any other.
    place.succeed("describe --weights small.safetensors");
    place.succeed("train --weights small.safetensors --data digits --epochs 1 --out again");
    place.succeed("prune --weights small.safetensors --sparsity 0.9 --out sparse.safetensors");
    let said = place.succeed("shrink --weights small.safetensors --channels 30% --out smaller.safetensors");
    assert!(said.contains("channels gone"), "{said}");
}

#[test]
fn channels_are_rounded_to_what_a_register_of_the_machine_holds() {
    let place = Workplace::with_net();
    place.succeed(&format!("shrink --weights {NET} --channels 50% --round-to auto --out half.safetensors"));
    let widest = shape(&read(&place, "half.safetensors").state, "fc1.weight")[0];
    assert_eq!(widest % sapwood_runtime::Level::detect().numbers(), 0, "{widest}");
    place.refuse(&format!("shrink --weights {NET} --channels 50% --threads 2 --out x"), &["--milliseconds"]);
    place.refuse(
        &format!("shrink --weights {NET} --channels 50% --round-to 0 --out x"),
        &["1 to 4096, or auto"],
    );
}

#[test]
fn what_a_register_holds_is_that_of_the_level_that_was_asked_for() {
    let place = Workplace::with_net();
    // Of 30 channels 21 would stay: 20 are a multiple of 4, 24 one of 8, and 16 one of 16.
    place.succeed(&format!(
        "shrink --weights {NET} --channels 30% --round-to auto --level portable --out fours.safetensors"
    ));
    assert_eq!(shape(&read(&place, "fours.safetensors").state, "fc1.weight")[0], 20);
}

#[test]
fn a_criterion_scores_in_as_many_rounds_as_are_customary_for_it() {
    let place = Workplace::with_net();
    let shrunk = |more: &str| {
        let how = "--channels 50% --selection global --criterion synflow";
        place.succeed(&format!("shrink --weights {NET} {how} {more} --out s.safetensors"));
        place.read("s.safetensors")
    };
    let usual = shrunk("");
    assert_eq!(usual, shrunk("--rounds 100"));
    assert_ne!(usual, shrunk("--rounds 1"));
}

#[test]
fn targets_are_reached_and_the_plan_says_who_goes_together() {
    let place = Workplace::with_net();
    place.succeed(&format!("shrink --weights {NET} --channels 50% --out half.safetensors"));
    let (net, half) = (read(&place, NET).state, read(&place, "half.safetensors").state);
    for name in ["fc1.weight", "fc2.weight"] {
        assert_eq!(shape(&half, name)[0], shape(&net, name)[0] / 2, "{name}");
    }
    assert_eq!(shape(&half, "fc3.weight")[0], 10);
    let before = place.files();
    let said = place.succeed(&format!("shrink --weights {NET} --macs 50% --selection global --plan"));
    assert!(said.contains("fc1") && said.contains("they go out of the network"), "{said}");
    let said =
        place.succeed(&format!("shrink --weights {NET} --channels 30% --criterion random --plan --json"));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["groups"][0]["before"], &json["groups"][0]["after"]), (&30.into(), &21.into()));
    assert_eq!(place.files(), before, "a plan writes nothing");
    let said = place.succeed(&format!("shrink --weights {NET} --channels 30% --except fc1 --plan"));
    assert!(said.contains("a layer that makes them is excluded"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let place = Workplace::with_net();
    place.refuse(
        &format!("shrink --weights {NET} --out s.safetensors"),
        &["no channel can leave", "`--channels 30%`"],
    );
    place.refuse(
        &format!("shrink --weights {NET} --channels 100% --out s.safetensors"),
        &["expected a share", "100%"],
    );
    place
        .refuse(&format!("shrink --weights {NET} --params 99.9% --out s.safetensors"), &["at most", "99.9%"]);
    place.refuse(&format!("shrink --weights {NET} --channels 30%"), &["--out"]);
    place.succeed(&format!("prune --weights {NET} --sparsity 0.9 --out masked.safetensors"));
    place.refuse(
        "shrink --weights masked.safetensors --out s.safetensors",
        &["the masks are not of whole channels", "more weights of", "granularity `channel`", "`--dead-only`"],
    );
}

const CHANNELS: &str = r#"kind = "prune"
sparsities = [0.5]

[data]
name = "digits"

[model]
name = "conv-2"
width = 0.2

[training]
batch_size = 64
epochs = 1
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05
evaluate = "at-end"

[[methods]]
name = "large"
criterion = "magnitude"
granularity = "channel-macs"
at = "end"
ablation = ["none", "shuffle", "invert"]

[[methods]]
name = "small"
criterion = "magnitude"
granularity = "channel-macs"
at = "end"
retrain = "init"
ablation = "reinit"
"#;

#[test]
fn a_study_takes_channels_out_and_trains_the_small_network_also_from_scratch() {
    let place = Workplace::new();
    place.put("study.toml", CHANNELS);
    place.succeed("run study.toml");
    let rows = String::from_utf8(place.read("runs/study/results.csv")).unwrap();
    let mut rows = rows.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let names = rows.next().unwrap();
    let at = |name: &str| names.iter().position(|found| found == name).unwrap();
    let rows: Vec<Vec<String>> = rows.collect();
    let macs = |row: &Vec<String>| row[at("macs")].parse::<f64>().unwrap();
    let dense = macs(&rows[0]);
    assert_eq!(rows.len(), 5);
    // The same number of channels of each layer, so the same arithmetic, except where others were the last.
    let small: Vec<f64> = rows[1..].iter().map(macs).collect();
    assert!(small.iter().all(|macs| (0.3..=0.5).contains(&(macs / dense))), "{dense} {small:?}");
    assert!(small[0] == small[1] && small[0] == small[3], "{small:?}");
    let weights = |row: usize| format!("runs/study/{}/r0/weights.safetensors", &rows[row][at("run")]);
    let [whole, with, new] = [0, 1, 4].map(|row| read(&place, &weights(row)).state);
    assert!(shape(&with, "conv2.weight")[1] < shape(&whole, "conv2.weight")[1]);
    assert_eq!(shape(&with, "conv2.weight"), shape(&new, "conv2.weight"));
    // Nothing but a file of weights is needed to go on.
    place.succeed(&format!("shrink --weights {} --channels 30% --out less.safetensors", weights(4)));
}

#[test]
fn masks_of_whole_channels_leave_nothing_behind_and_a_network_from_scratch_has_the_layers() {
    let place = convolutional();
    place.put(
        "x.safetensors",
        crate::safetensors::file(&[(
            "input",
            "F32",
            &[2, 1, 8, 8],
            (0..128).flat_map(|at| ((at * 37 % 101) as f32 / 50.0 - 1.0).to_le_bytes()).collect(),
        )]),
    );
    let said = place
        .succeed("prune --weights conv.safetensors --granularity channel --sparsity 0.5 --out m.safetensors");
    assert!(said.contains("gone"), "{said}");
    let said = place.succeed("shrink --weights m.safetensors --out small.safetensors --json");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let sum = |key: &str| {
        let groups = json["groups"].as_array().unwrap().iter();
        groups.filter(|group| group["whole"].is_null()).map(|group| group[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(sum("after"), sum("before") - sum("before").div_ceil(2), "{said}");
    let (before, after) = (logits(&place, "m.safetensors"), logits(&place, "small.safetensors"));
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-4), "{before:?} {after:?}");
    place.succeed("train --layers-of small.safetensors --data digits --epochs 1 --out scratch");
    let [small, scratch] =
        ["small.safetensors", "scratch/weights.safetensors"].map(|file| read(&place, file).state);
    assert_eq!(shape(&small, "conv2.weight"), shape(&scratch, "conv2.weight"));
    place.succeed(
        "shrink --weights conv.safetensors --macs 40% --criterion snip --data digits --rounds 3 --recalibrate \
         --out rounds.safetensors",
    );
    place.succeed(
        "train --model conv-2 --width 0.2 --data digits --epochs 1 --regulariser group-norm=1e-3 --out decayed",
    );
    let (plain, decayed) = (place.read("conv.safetensors"), place.read("decayed/weights.safetensors"));
    assert_ne!(plain, decayed);
}

#[test]
fn a_time_is_reached_or_the_least_there_is_is_said() {
    let place = Workplace::with_net();
    place.refuse(
        &format!("shrink --weights {NET} --milliseconds 1000 --out s.safetensors"),
        &["no channel can leave", "no more than 1000 ms"],
    );
    place.refuse(
        &format!("shrink --weights {NET} --milliseconds 0.0000001 --out s.safetensors"),
        &["ms are still taken when all channels that may leave have left"],
    );
    place.refuse(
        &format!("shrink --weights {NET} --channels 30% --recalibrate --out s.safetensors"),
        &["`--recalibrate` needs examples"],
    );
    place.refuse(
        "train --model lenet-5 --data digits --regulariser slim=1",
        &["expected a regulariser such as"],
    );
}
