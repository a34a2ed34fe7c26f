//! A trained network learns another task: `train` with a new head, frozen layers, a probe or a teacher.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use sapwood_core::StateFile;

use crate::{
    child,
    own_images::{BLUE, GREEN, RED, images},
    workplace::{NET, Workplace},
};

const COLOURS: &str = "--data image-folder --data-root colours";

/// A place with a small residual network for three colours, and other images of two classes.
fn place() -> Workplace {
    let place = Workplace::new();
    images(&place, "colours", 6, &[("ant", RED), ("bee", GREEN), ("cat", BLUE)]);
    images(&place, "others", 6, &[("dog", BLUE), ("eel", RED)]);
    place.succeed(&format!(
        "train --model resnet-20 --width 0.25 {COLOURS} --image 3x8x8 --epochs 2 --batch-size 4 --lr 0.01 --out run"
    ));
    place.put(NET, place.read("run/weights.safetensors"));
    place
}

/// The values of each parameter, as bits.
fn values(place: &Workplace, file: &str) -> BTreeMap<String, Vec<u32>> {
    let file = StateFile::from_bytes(&place.read(file)).unwrap();
    let bits = |array: &sapwood_core::graph::Array| array.iter::<f32>().map(f32::to_bits).collect();
    file.state.0.iter().map(|(path, array)| (path.to_string(), bits(array))).collect()
}

/// The parameters that differ.
fn moved(place: &Workplace, before: &str, after: &str) -> Vec<String> {
    let (before, after) = (values(place, before), values(place, after));
    assert!(before.keys().eq(after.keys()));
    before.into_iter().filter(|(path, old)| after[path] != *old).map(|(path, _)| path).collect()
}

const OTHERS: &str =
    "--weights net.safetensors --data image-folder --data-root others --image 3x8x8 --batch-size 4 --lr 0.01";
const BACKBONE: &str = "conv1,bn1,layer1,layer2,layer3";

#[test]
fn a_probe_learns_what_the_head_would_behind_a_frozen_backbone_to_the_bit() {
    let place = place();
    let rest = "--new-head --momentum 0.9 --weight-decay 0.1";
    place.succeed(&format!("train {OTHERS} {rest} --probe 3ep --out probe"));
    place.succeed(&format!("train {OTHERS} {rest} --freeze {BACKBONE} --epochs 3 --out frozen"));
    let (probe, frozen) = ("probe/weights.safetensors", "frozen/weights.safetensors");
    assert_eq!(moved(&place, probe, frozen), [] as [String; 0]);
    let (start, end) = (values(&place, NET), values(&place, probe));
    for (path, value) in &start {
        match path.starts_with("fc.") {
            true => assert!(end[path].len() * 3 == value.len() * 2, "{path}: two classes of three"),
            false => assert!(end[path] == *value, "{path} has moved"),
        }
    }
    let said = place.succeed(&format!("describe --weights {probe}"));
    assert!(said.contains("2 classes, `dog`, `eel`"), "{said}");
    // What follows a probe moves all layers.
    place.succeed(&format!("train {OTHERS} {rest} --probe 3ep --then 1ep --out both"));
    assert_eq!(moved(&place, probe, "both/probe/weights.safetensors"), [] as [String; 0]);
    let all = moved(&place, probe, "both/weights.safetensors");
    assert!(all.iter().any(|path| path == "conv1.weight"), "{all:?}");
    assert!(!all.iter().any(|path| path.contains("running")), "so few images give no statistics: {all:?}");
}

#[test]
fn what_is_frozen_does_not_move_and_the_rest_does() {
    let place = place();
    let train = |how: &str, out: &str| {
        let line = format!(
            "train --weights {NET} {COLOURS} --image 3x8x8 --batch-size 4 --lr 0.001 --epochs 2 --weight-decay 0.1 --nesterov"
        );
        place.succeed(&format!("{line} --checkpoint-every 2 {how} --out {out}"));
        moved(&place, NET, &format!("{out}/weights.safetensors"))
    };
    let running = |all: &[String]| all.iter().filter(|path| path.contains("running")).count();
    let all = train("", "all");
    let norms = running(&all);
    assert!(0 < norms && all.len() == values(&place, NET).len());

    let parameters = train("--freeze-parameters conv1,bn1,layer1,layer2,layer3", "parameters");
    assert_eq!(parameters.len(), 2 + norms, "{parameters:?}");
    let statistics = train("--freeze-statistics type:batch_norm", "statistics");
    assert_eq!((running(&statistics), statistics.len()), (0, all.len() - norms));
    let both = train("--freeze conv1,bn1,layer1.0-2,re:layer[23]\\..*", "both");
    assert_eq!(both, ["fc.bias", "fc.weight"]);
    let rates = train("--rate *=0 --rate fc=0.1", "rates");
    assert_eq!((rates.len(), running(&rates)), (2 + norms, norms));
}

#[test]
fn a_teacher_changes_what_is_learnt() {
    let place = place();
    let student = format!(
        "train --model lenet-300-100 --width 0.1 {COLOURS} --image 3x8x8 --batch-size 4 --lr 0.01 --epochs 2"
    );
    place.succeed(&format!("{student} --out alone"));
    let mut before = String::from("alone/weights.safetensors");
    for (how, out) in [("", "kd"), ("--distill dkd", "dkd"), ("--temperature 2 --teacher-weight 0.5", "half")]
    {
        place.succeed(&format!("{student} --teacher {NET} {how} --out {out}"));
        let after = format!("{out}/weights.safetensors");
        assert!(!moved(&place, &before, &after).is_empty(), "{out}");
        before = after;
    }
    // With no weight it teaches nothing.
    place.succeed(&format!("{student} --teacher {NET} --teacher-weight 0 --out none"));
    assert_eq!(moved(&place, "alone/weights.safetensors", "none/weights.safetensors"), [] as [String; 0]);
}

/// Whoever teaches, or says what examples are worth, sees the inputs that it learnt from.
#[test]
fn a_network_that_learnt_from_other_inputs_neither_teaches_nor_chooses() {
    let place = Workplace::with_net();
    let (other, data) = ("other/weights.safetensors", "--data digits --examples 100 --epochs 1");
    place.succeed(&format!("train --weights {NET} --preprocess x/255 {data} --out other"));
    let student = format!("train --model lenet-300-100 --width 0.1 {data}");
    place.succeed(&format!("{student} --teacher {NET} --out taught"));
    // Inputs of a new network are made as its teacher's were, and its weights say so.
    place.succeed(&format!("{student} --teacher {other} --out learnt"));
    place.refuse(
        &format!("train --weights learnt/weights.safetensors {data} --teacher {NET} --out x"),
        &["learnt from inputs made with x/16", "the student's are made with x/255", "teacher's formula"],
    );
    let alike = format!("train --weights {other} {data}");
    place.succeed(&format!("{alike} --teacher {other} --out alike"));
    place.refuse(
        &format!("{alike} --teacher {NET} --out x"),
        &["learnt from inputs made with x/16", "the student's are made with x/255"],
    );

    let prune = "data prune digits --method el2n --keep 50% --out x.json";
    place.refuse(
        &format!("{prune} --weights {NET} --weights {other}"),
        &["`other/weights.safetensors` learnt from inputs made with x/255", "made with x/16"],
    );
    place.refuse(
        &format!("{prune} --weights {other} --weights {NET}"),
        &["learnt from inputs made with x/16"],
    );
    place.succeed(&format!("{prune} --weights {other} --weights {other}"));
}

#[test]
fn attention_is_learnt_from_a_larger_network_of_the_family_and_from_no_other() {
    let place = place();
    let student = format!(
        "train --model resnet-20 --width 0.125 {COLOURS} --image 3x8x8 --batch-size 4 --lr 0.01 --epochs 1"
    );
    place.succeed(&format!("{student} --out alone"));
    place.succeed(&format!("{student} --teacher {NET} --distill at --out at"));
    assert!(!moved(&place, "alone/weights.safetensors", "at/weights.safetensors").is_empty());
    let other = student.replace("resnet-20 --width 0.125", "lenet-300-100 --width 0.1");
    place.refuse(&format!("{other} --teacher {NET} --distill at --out x"), &["layers cannot be compared"]);
}

#[test]
fn features_are_learnt_and_blocks_without_labels() {
    let place = place();
    let student = format!(
        "train --model resnet-20 --width 0.125 {COLOURS} --image 3x8x8 --batch-size 4 --lr 0.01 --epochs 1"
    );
    place.succeed(&format!("{student} --out alone"));
    place.succeed(&format!("{student} --teacher {NET} --distill features --out features"));
    assert!(!moved(&place, "alone/weights.safetensors", "features/weights.safetensors").is_empty());
    // Blocks of another width give nothing that could be compared.
    let blocks = format!("--teacher {NET} --distill blocks");
    place.refuse(&format!("{student} {blocks} --out x"), &["layers cannot be compared"]);
    place.refuse(&format!("{student} {blocks} --teacher-weight 1 --out x"), &["looks at no labels"]);
    place.refuse(&format!("{student} {blocks} --temperature 2 --out x"), &["only `--distill kd` and `dkd`"]);
    place.refuse(&format!("{student} {blocks} --label-smoothing 0.1 --out x"), &["without labels"]);
    place.succeed(&format!("prune --weights {NET} --sparsity 0.5 --out half.safetensors"));
    let again = format!(
        "train --weights half.safetensors --image 3x8x8 --batch-size 4 --lr 0.001 --epochs 2 {blocks}"
    );
    place.succeed(&format!("{again} {COLOURS} --out blocks"));
    assert!(!moved(&place, "half.safetensors", "blocks/weights.safetensors").is_empty());
    let curve = String::from_utf8(place.read("blocks/curve.csv")).unwrap();
    let losses: Vec<f64> =
        curve.lines().skip(1).map(|row| row.split(',').nth(3).unwrap().parse().unwrap()).collect();
    assert!(losses[1] < losses[0], "{losses:?}");
}

#[test]
fn a_probe_without_a_rate_takes_the_one_that_its_features_allow() {
    let place = place();
    let train = OTHERS.replace(" --lr 0.01", "");
    let said = place.run(&format!("train {train} --new-head --probe 3ep --then 1ep --out both")).err;
    assert!(said.contains("for the last layer, one over the curvature"), "{said}");
    let recipe = |folder: &str| -> (f64, Option<f64>) {
        let config: serde_json::Value =
            serde_json::from_slice(&place.read(&format!("{folder}/config.json"))).unwrap();
        let recipe = &config["recipe"];
        (recipe["learning_rate"].as_f64().unwrap(), recipe["clip"].as_f64())
    };
    let ((probe, free), (then, clipped)) = (recipe("both/probe"), recipe("both"));
    assert!(then == probe.min(0.02) && 0.0 < probe, "{probe} {then}");
    assert!((free, clipped) == (None, Some(1.0)) && said.contains("a norm of 1 at most"), "{said}");
    // The folder that is spoken of is the one that was named.
    let other = place.run(&format!("train {train} --new-head --probe 3ep --then 1ep --clip 2 --out both"));
    assert!(
        other.code == Some(2) && other.err.ends_with("choose another with `--out`: both\n"),
        "{other:#?}"
    );
    place.succeed(&format!("train {train} --lr {probe} --new-head --probe 3ep --out given"));
    assert_eq!(
        moved(&place, "given/weights.safetensors", "both/probe/weights.safetensors"),
        [] as [String; 0]
    );
}

#[test]
fn features_are_kept_for_the_next_probe_of_the_same_images_and_weights() {
    let place = place();
    let kept =
        || fs::read_dir(place.path().join("kept/features")).unwrap().map(|entry| entry.unwrap().path());
    let probe = |data: &str, out: &str| {
        let line = format!("train {} --new-head --probe 3ep --out {out}", OTHERS.replace("others", data));
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = child::command(place.path(), &arguments);
        let outcome = child::finish(command.env("SAPWOOD_CACHE", place.path().join("kept")));
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        (kept().count(), place.read(&format!("{out}/weights.safetensors")))
    };
    let first = probe("others", "first");
    assert_eq!(first.0, 1, "both splits are the same images");
    assert!(probe("others", "again") == first, "other weights");
    kept().for_each(|path| fs::write(path, "damaged").unwrap());
    assert!(probe("others", "damaged") == first, "other weights");
    images(&place, "more", 6, &[("dog", RED), ("eel", BLUE)]);
    assert_eq!(probe("more", "other").0, 2);
}

#[test]
fn statistics_are_taken_from_the_new_images_and_stay_where_these_are_few() {
    let place = place();
    let train = format!("train {OTHERS} --new-head --epochs 1");
    place.succeed(&format!("{train} --out old"));
    place.succeed(&format!("{train} --new-statistics --out new"));
    place.succeed(&format!("{train} --new-statistics --label-smoothing 0.1 --out smoothed"));
    let running = |before: &str, after: &str| {
        moved(&place, before, after).into_iter().filter(|path| path.contains("running")).count()
    };
    assert!(0 < running("old/weights.safetensors", "new/weights.safetensors"));
    assert_eq!(running("new/weights.safetensors", "smoothed/weights.safetensors"), 0);
    let data = format!("{COLOURS} --image 3x8x8");
    place.succeed(&format!("train --model lenet-300-100 --width 0.1 {data} --until 0it --out plain"));
    let plain = &format!("train --weights plain/weights.safetensors {data} --new-statistics --out x");
    place.refuse(plain, &["batch normalisation, found none"]);
    let digits = format!("train --weights {NET} --data digits --new-statistics --out x");
    place.refuse(&digits, &["does not take 1x8x8 inputs"]);
}

#[test]
fn other_names_of_classes_are_another_run() {
    let place = place();
    let line = format!(
        "train --weights {NET} --class-names names.txt {COLOURS} --image 3x8x8 --batch-size 4 --epochs 1 --out named"
    );
    place.put("names.txt", "cat\nbee\nant\n");
    place.succeed(&line);
    place.put("names.txt", "ant\nbee\ncat\n");
    place.refuse(&line, &["holds another run, whose weights is"]);
}

#[test]
fn a_probe_of_another_length_has_a_folder_of_its_own() {
    let place = place();
    let probe = |more: &str| {
        let said = place.succeed(&format!("train {OTHERS} --new-head {more}"));
        said.lines().last().unwrap().to_string()
    };
    let folders: BTreeSet<String> =
        ["--probe 1", "--probe 2", "--probe 1 --then 1", "--epochs 1"].map(probe).into();
    assert_eq!(folders.len(), 4, "{folders:?}");
    assert!(folders.contains(&probe("--probe 2")), "the same training goes on");
}

#[test]
fn what_fails_behind_a_probe_leaves_its_folder_to_a_better_try() {
    let place = place();
    let with = |pull: &str| {
        format!("train {OTHERS} --new-head --probe 1 --then 2 --l2-sp {pull} --keep 0ep --out both")
    };
    let failed = place.run(&with("1e30"));
    assert!(failed.code == Some(2) && failed.err.contains("lower the learning rate"), "{failed:#?}");
    let probe = place.read("both/probe/weights.safetensors");
    assert!(!place.has("both/config.json") && !place.has("both/weights-0ep.safetensors"));
    place.succeed(&with("0.01"));
    assert!(place.has("both/weights-0ep.safetensors"));
    assert!(place.read("both/probe/weights.safetensors") == probe, "it is done again");
}

#[test]
fn few_examples_are_changed_mixed_averaged_and_the_best_epoch_is_left() {
    let place = place();
    let all = format!("train {OTHERS} --new-head --epochs 4 --l2-sp 0.01,0.1 --unfreeze 2 --hold-out 4");
    let changes =
        "--augment resized-crop=0.5,flip,erase=0.5,jitter=0.4,rand-augment=2/9 --mix cutmix=1 --average 0.9";
    let said = place.run(&format!("{all} {changes} --out few"));
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.err.contains("did best on the 4 examples kept back"), "{said:#?}");
    let curve = String::from_utf8(place.read("few/curve.csv")).unwrap();
    assert!(curve.starts_with("epoch,iteration,learning_rate,train_loss,kept_back_loss,"), "{curve}");
    // Each of them has an effect, and none where it was before.
    place.succeed(&format!("{all} --out plain"));
    let mut before = String::from("plain/weights.safetensors");
    for (option, out) in [
        ("--mix mixup=0.2", "mixed"),
        ("--average 0.5", "averaged"),
        ("--augment flip", "flipped"),
        ("--augment crop=1", "cropped"),
    ] {
        place.succeed(&format!("{all} {option} --out {out}"));
        let after = format!("{out}/weights.safetensors");
        assert!(!moved(&place, &before, &after).is_empty(), "{out}");
        before = after;
    }
    place.succeed(&format!("train {OTHERS} --new-head --epochs 1 --per-class 2 --keep 1it --out two"));
    // Positions that are kept are those of all layers, and the recipe is what it is without them.
    let silent = OTHERS.replace(" --batch-size 4 --lr 0.01", "");
    let said = place.run(&format!("train {silent} --new-head --keep 1it --out kept"));
    assert!(said.err.contains("recipe for 12 images: the last layer for 30 epochs"), "{said:#?}");
    assert!(place.has("kept/weights-1it.safetensors") && place.has("kept/probe/weights.safetensors"));
    assert!(!place.has("kept/probe/weights-1it.safetensors"));
    let start = values(&place, NET);
    let step = values(&place, "two/weights-1it.safetensors");
    assert_ne!(start["conv1.weight"], step["conv1.weight"]);
    assert_eq!(step, values(&place, "two/weights.safetensors"), "four images are one step");
}

#[test]
fn a_rate_is_found_without_a_trace_and_training_examples_are_chosen() {
    let place = place();
    let files = place.names();
    let said = place.succeed(&format!("train {OTHERS} --new-head --find-rate").replace(" --lr 0.01", ""));
    assert!(said.contains("learning rate") && said.contains("loss"), "{said}");
    assert_eq!(place.names(), files);

    let prune = format!("data prune image-folder --data-root colours --keep 50% --weights {NET}");
    for method in ["el2n", "grand", "k-centre"] {
        let said = place.succeed(&format!("{prune} --method {method} --balanced --out {method}.json"));
        assert!(said.starts_with("9 of 18 training examples are kept"), "{said}");
    }
    place.refuse(
        &format!("{prune} --method forgetting --out x.json"),
        &["`forgetting` takes 2 networks or more"],
    );
    place.refuse(&format!("{prune} --method random --out x.json"), &["`random` takes no network"]);
    let train = format!("train --weights {NET} {COLOURS} --image 3x8x8 --batch-size 4 --epochs 1");
    place.succeed(&format!("{train} --only el2n.json --out half"));
    let curve = String::from_utf8(place.read("half/curve.csv")).unwrap();
    assert!(curve.contains("\n1,3,"), "9 images in batches of 4: {curve}");
    // The same list in another place is the same run.
    place.put("moved.json", place.read("el2n.json"));
    place.succeed(&format!("{train} --only moved.json --out half"));
    // Another list under the same name is another run.
    place.put("el2n.json", place.read("k-centre.json"));
    place.refuse(&format!("{train} --only el2n.json --out half"), &["holds another run", "data.only.digest"]);
    let others = format!("train {OTHERS} --new-head --epochs 1 --only k-centre.json --out x");
    place.refuse(&others, &["expected a list of the 12 training examples", "found one of 18"]);
}

#[test]
fn what_cannot_be_transferred_is_one_line() {
    let place = place();
    let train = format!("train {OTHERS} --out x");
    place.refuse(
        &format!("{train} --new-head --freeze conv1,bn1,layer1,layer2,layer3,fc"),
        &["every layer is frozen"],
    );
    place.refuse(
        &format!("{train} --new-head --freeze layer9"),
        &["`--freeze layer9` describes no layer: the nearest are"],
    );
    place.refuse(&format!("{train} --new-head --rate layer1=-1"), &["0 or above"]);
    place.refuse(&format!("{train} --new-head --probe 0ep"), &["1 or more"]);
    place.refuse(&format!("{train} --new-head --probe 2 --epochs 3"), &["--epochs"]);
    place.refuse(&format!("{train} --new-head --probe 2 --freeze conv1"), &["leave frozen layers", "out"]);
    place.refuse(&format!("{train} --new-head --probe 2 --keep 1ep"), &["leave weights of positions", "out"]);
    place.refuse(
        &format!("{train} --new-head --freeze-statistics fc"),
        &["`--freeze-statistics fc`", "no statistics"],
    );
    // What only follows a probe is refused before it too.
    let both = format!("{train} --new-head --probe 2 --then 2");
    place.refuse(&format!("{both} --freeze {BACKBONE},fc"), &["every layer is frozen"]);
    place.refuse(&format!("{both} --gradual 0.9 --masks-until 2ep"), &["before its last step"]);
    place.refuse(&format!("{both} --teacher {NET}"), &["the teacher does not fit", "does not know `dog`"]);
    place.refuse(&format!("{train} --new-head --new-classes"), &["--new-classes"]);
    place.refuse(&format!("{train} --new-head --then 3"), &["--probe"]);
    let rates = train.replace(" --lr 0.01", "").replace(" --out x", "");
    for option in
        ["--mix mixup=1", "--average 0.9", "--l2-sp 0.1", "--unfreeze 2", "--regulariser slimming=1e-5"]
    {
        place.refuse(
            &format!("{rates} --new-head --find-rate {option}"),
            &["rates are tried by the loss of labels"],
        );
    }
    place.refuse(&train, &["does not know `dog`", "`--new-head` gives it a last layer"]);
    place.refuse(
        &format!("{train} --new-head --unfreeze 3 --epochs 2"),
        &["all layers learn after 1 to 2 epochs"],
    );
    place.refuse(&format!("{train} --new-head --l2-sp 0.1,-1"), &["0 or above"]);
    place.refuse(&format!("{train} --new-head --mix mixup=0"), &["mixup=ALPHA"]);
    place.refuse(&format!("{train} --new-head --mix mixup=1 --probe 2"), &["leave one of the two out"]);
    place.refuse(
        &format!("{train} --new-head --hold-out 1"),
        &["1 of 12 examples kept back", "would have none"],
    );
    place.refuse(
        &format!("{train} --new-head --per-class 9"),
        &["at least 9 examples of class `dog`, found 6"],
    );
    place.refuse(&format!("{train} --new-head --average 1"), &["`average` must be from 0 to below 1"]);
    place.refuse(&format!("{train} --new-head --augment flop"), &["`flop`", "rand-augment=NUMBER/MAGNITUDE"]);
    place.refuse(&format!("{train} --new-head --only none.json"), &["none.json"]);
    place.refuse(
        &format!("train --model lenet-300-100 --data image-folder --data-root others --image 3x8x8 --teacher {NET} --out x"),
        &["the teacher does not fit", "does not know `dog`"],
    );
    place.refuse(&format!("{train} --new-head --temperature 2"), &["--teacher"]);
    images(&place, "one", 6, &[("dog", BLUE)]);
    let one = OTHERS.replace("others", "one");
    place.refuse(&format!("train {one} --new-head --out x"), &["one class alone"]);
}
