//! `score`, `prune` and trainings whose masks change, as a user meets them.

use sapwood_core::{Array, StateFile, graph::DType};

use crate::{
    safetensors::{Entry, file, floats},
    workplace::{NET, Workplace},
};

/// A batch for [`NET`]: eight images, of which each is of one brightness, and classes.
fn batch(labels: &[i64]) -> Vec<u8> {
    let images = (0..8).flat_map(|image| floats(64, image as f32 / 8.0)).collect();
    let labels_bytes = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    let tensors: [Entry<'_>; 2] =
        [("images", "F32", &[8, 1, 8, 8], images), ("labels", "I64", &[labels.len()], labels_bytes)];
    file(&tensors)
}

/// A folder with [`NET`] and `batch.safetensors`.
pub(crate) fn workplace() -> Workplace {
    let place = Workplace::with_net();
    place.put("batch.safetensors", batch(&[0, 1, 2, 3, 4, 5, 6, 7]));
    place
}

pub(crate) fn read(place: &Workplace, file: &str) -> StateFile {
    StateFile::from_bytes(&place.read(file)).unwrap()
}

#[test]
fn scores_are_written_under_the_names_and_shapes_of_the_weights() {
    let place = workplace();
    for criterion in ["magnitude", "snip", "grasp", "synflow", "fisher", "wanda", "sparsegpt", "force"] {
        let line = format!(
            "score --weights {NET} --data batch.safetensors --criterion {criterion} --out s.safetensors"
        );
        assert!(place.succeed(&line).contains("fc2.weight"));
        let (scores, net) = (read(&place, "s.safetensors"), read(&place, NET));
        let shape = |file: &StateFile, name: &str| file.state.0[name].shape().to_vec();
        for name in ["fc1.weight", "fc2.weight", "fc3.weight"] {
            assert_eq!(shape(&scores, name), shape(&net, name), "{criterion}");
            assert_eq!(scores.state.0[name].dtype(), DType::F64, "{criterion}");
        }
        assert_eq!((scores.state.0.len(), scores.masks.len()), (3, 0), "{criterion}");
    }
    place.succeed(&format!("score --weights {NET} --criterion synflow --precision f32 --out s.safetensors"));
    assert_eq!(read(&place, "s.safetensors").state.0["fc1.weight"].dtype(), DType::F32);
}

#[test]
fn batches_and_options_change_scores() {
    let place = workplace();
    let scores = |more: &str| {
        let line = format!("score --weights {NET} --data batch.safetensors {more} --out s.safetensors");
        place.succeed(&line);
        read(&place, "s.safetensors").state
    };
    let fisher = scores("--criterion fisher");
    assert_ne!(fisher, scores("--criterion fisher --batch-size 1"));
    let grasp = scores("--criterion grasp");
    assert_ne!(grasp, scores("--criterion grasp --option temperature=1"));
    assert_eq!(grasp, scores("--criterion grasp --option temperature=200 --option estimator=per-batch"));
}

#[test]
fn everything_that_a_cut_is_composed_of_can_be_asked_for() {
    let place = workplace();
    let prune = |more: &str| {
        place.succeed(&format!("prune --weights {NET} --data batch.safetensors {more} --out p.safetensors"));
        read(&place, "p.safetensors").masks
    };
    let kept = |masks: &sapwood_core::Masks| masks.values().map(|mask| mask.count_ones()).sum::<usize>();
    let synflow = prune("--criterion synflow --sparsity 0.9");
    assert_eq!(synflow, prune("--criterion synflow --sparsity 0.9 --iterations 100"));
    assert_ne!(synflow, prune("--criterion synflow --sparsity 0.9 --iterations 1"));
    let shuffled = prune("--criterion synflow --sparsity 0.9 --ablation shuffle");
    assert!(shuffled != synflow && kept(&shuffled) == kept(&synflow));
    assert_ne!(
        prune("--criterion snip --sparsity 0.9"),
        prune("--criterion snip --sparsity 0.9 --ablation invert")
    );
    prune("--criterion magnitude --sparsity 0.5 --granularity filter");
    prune("--criterion magnitude --sparsity 0.5 --allocation rows --course linear --iterations 3");
    prune("--criterion force --sparsity 0.9 --batch-per-round");
    let table = prune("--criterion magnitude --sparsity 0.9 --allocation fc3.weight=0.5");
    assert_eq!(table["fc3.weight"].count_ones(), table["fc3.weight"].len() / 2);
    // SparseGPT also changes what it keeps.
    place.succeed(&format!(
        "prune --weights {NET} --data batch.safetensors --criterion sparsegpt --allocation uniform --sparsity 0.5 --out p.safetensors"
    ));
    let (before, after) = (read(&place, NET), read(&place, "p.safetensors"));
    let [old, new]: [Vec<f32>; 2] =
        [&before, &after].map(|file| file.state.0["fc2.weight"].iter::<f32>().collect());
    let mask = &after.masks["fc2.weight"];
    assert!((0..mask.len()).any(|at| mask.get(at) && old[at] != new[at]));
    assert!((0..mask.len()).all(|at| mask.get(at) || new[at] == 0.0));
}

/// Weights of one file under the masks of another: how a network is rewound.
#[test]
fn a_network_is_rewound_under_its_masks() {
    let place = Workplace::new();
    let model = "train --model lenet-300-100 --width 0.1 --data digits --epochs 2";
    place.succeed(&format!("{model} --until 0it --out start"));
    place.succeed(&format!("{model} --until 1ep --out early"));
    place.succeed(&format!("{model} --out end"));
    place.succeed("prune --weights end/weights.safetensors --sparsity 0.8 --out pruned.safetensors");
    place.succeed(
        "prune --weights early/weights.safetensors --masks-from pruned.safetensors --out rewound.safetensors",
    );
    let (early, pruned, rewound) = (
        read(&place, "early/weights.safetensors"),
        read(&place, "pruned.safetensors"),
        read(&place, "rewound.safetensors"),
    );
    assert_eq!(pruned.masks, rewound.masks);
    let mut masked = early.state.clone();
    masked.apply(&pruned.masks).unwrap();
    assert_eq!(masked, rewound.state);
    place.succeed("train --weights rewound.safetensors --data digits --epochs 2 --start-at 1ep --out again");
    assert_eq!(read(&place, "again/weights.safetensors").masks, pruned.masks);
    assert_ne!(read(&place, "start/weights.safetensors").state, early.state);
}

#[test]
fn masks_change_in_training_and_runs_of_that_kind_are_one_to_the_byte() {
    let place = Workplace::new();
    let model = "train --model lenet-300-100 --width 0.2 --data digits --epochs 4 --batch-size 32";
    for score in ["magnitude", "movement"] {
        let line = format!("{model} --gradual 0.9 --gradual-score {score} --masks-every 10it");
        let out = place.succeed(&format!("{line} --out {score}"));
        assert!(out.contains("top-1"), "{out}");
        let gradual = read(&place, &format!("{score}/weights.safetensors"));
        let (kept, all) = gradual
            .masks
            .values()
            .fold((0, 0), |(kept, all), mask| (kept + mask.count_ones(), all + mask.len()));
        assert_eq!(kept, all - (9 * all + 5) / 10, "{score}");
        place.succeed(&format!("{line} --out again-{score}"));
        let bytes = |folder: &str| place.read(&format!("{folder}/weights.safetensors"));
        assert_eq!(bytes(score), bytes(&format!("again-{score}")));
    }

    place.succeed(&format!("{model} --until 0it --out start"));
    place.succeed(
        "prune --weights start/weights.safetensors --criterion random --allocation erk --sparsity 0.8 --out s.safetensors",
    );
    let start = read(&place, "s.safetensors").masks;
    for rule in ["set", "rigl"] {
        place.succeed(&format!(
            "train --weights s.safetensors --data digits --epochs 2 --regrow {rule} --masks-every 15it --out {rule}"
        ));
        let end = read(&place, &format!("{rule}/weights.safetensors"));
        assert_ne!(end.masks, start, "{rule}");
        for (path, mask) in &end.masks {
            assert_eq!(mask.count_ones(), start[path].count_ones(), "{rule}: {path}");
            let weights: Vec<f32> = end.state.0[path].iter::<f32>().collect();
            assert!((0..mask.len()).all(|at| mask.get(at) || weights[at] == 0.0), "{rule}: {path}");
        }
    }
}

#[test]
fn what_cannot_be_scored_or_pruned_so_is_refused() {
    let place = workplace();
    place.put("short.safetensors", batch(&[0, 1]));
    place.put("wrong.safetensors", batch(&[0, 1, 2, 3, 4, 5, 6, 99]));
    place.put("negative.safetensors", batch(&[0, 1, 2, 3, 4, 5, 6, -1]));
    let entry: [Entry<'_>; 1] = [("labels", "I64", &[1], vec![0; 8])];
    place.put("imageless.safetensors", file(&entry));
    let score = |more: &str, expected: &[&str]| {
        place.refuse(&format!("score --weights {NET} {more} --out s.safetensors"), expected);
    };
    score("--criterion snip", &["criterion `snip` needs examples", "`--data`"]);
    score("--criterion snip --data short.safetensors", &["there are 8 images, but `labels` is [2]"]);
    score("--criterion snip --data wrong.safetensors", &["label 99 is out of range"]);
    score("--criterion snip --data negative.safetensors", &["label 7 is -1"]);
    score("--criterion snip --data imageless.safetensors", &["expected a tensor `images`", "found labels"]);
    score("--criterion snip --data none.safetensors", &["cannot read", "none.safetensors"]);
    score("--criterion snip --data batch.safetensors --per-class 2", &["`--data` is a file"]);
    score("--criterion grasp --data batch.safetensors --option temprature=1", &["`temperature`"]);
    score("--criterion grasp --data batch.safetensors --option temperature=0", &["should be above 0"]);
    score("--criterion bn-scale", &["criterion `bn-scale` needs a layer with batch normalisation"]);
    score("--criterion snpi --data batch.safetensors", &["did you mean snip"]);
    let prune = |more: &str, expected: &[&str]| {
        place.refuse(&format!("prune --weights {NET} {more} --out p.safetensors"), expected);
    };
    prune("--sparsity 0.6 --granularity 2:4", &["removes 0.5 of the weights, not 0.6"]);
    prune("--sparsity 0.5 --granularity 9", &["expected weight, kernel, filter"]);
    prune("--sparsity 0.5 --allocation fc9.weight=0.5", &["names `fc9.weight`"]);
    prune("--sparsity 0.5 --ablation shufle", &["did you mean shuffle"]);
    prune("--masks-from batch.safetensors", &["there are no masks of this network in it"]);
    place.succeed("train --model lenet-300-100 --width 0.2 --data digits --epochs 1 --until 0it --out other");
    place.succeed("prune --weights other/weights.safetensors --sparsity 0.5 --out other.safetensors");
    prune(
        "--masks-from other.safetensors",
        &["the masks do not belong to this network", "fc1.weight_mask should be"],
    );
    prune("--masks-from other.safetensors --sparsity 0.5", &["cannot be used with"]);
    prune("--masks-from other.safetensors --granularity filter", &["cannot be used with"]);
    prune("--masks-from other.safetensors --input 1x8x8", &["cannot be used with", "--input"]);
    prune("--sparsity 0.5 --granularity filter --allocation rows", &["`filter`", "the allocation `rows`"]);
    prune("--sparsity 0.5 --course linear", &["`--course`", "`--iterations`"]);
    prune("--sparsity 0.5 --iterations 1001", &["--iterations", "1..=1000"]);
    prune("--sparsity 0.5 --iterations 18446744073709551615", &["--iterations"]);
    prune("--sparsity 0.5 --batch-per-round", &["`--batch-per-round`", "criterion `magnitude` reads none"]);
    prune(
        "--sparsity 0.5 --criterion force --data batch.safetensors --granularity 2:4",
        &["ask for one iteration"],
    );
    prune("--sparsity 1.5", &["is no sparsity"]);
    let mut broken = read(&place, NET);
    let weight = broken.state.0.get_mut("fc2.weight").unwrap();
    let mut values: Vec<f32> = weight.iter::<f32>().collect();
    values[7] = f32::NAN;
    *weight = Array::new(weight.shape(), values).unwrap();
    place.put("nan.safetensors", broken.to_bytes().unwrap());
    for command in ["score --criterion magnitude", "prune --sparsity 0.5"] {
        let line = format!("{command} --weights nan.safetensors --out n.safetensors");
        place.refuse(&line, &["cannot read weights: `fc2.weight` is not finite (1 of 300)"]);
    }
    let train = |more: &str, expected: &[&str]| {
        place.refuse(&format!("train --weights {NET} --data digits --epochs 2 --out run {more}"), expected);
    };
    train("--gradual 0.9 --masks-until 3ep", &["within the run of"]);
    train("--masks-every 10it", &["belong to `--gradual` or `--regrow`"]);
    train("--gradual 0.9 --regrow set", &["cannot be used with"]);
    let apart = "leave one of the two out";
    train("--gradual 0.9 --freeze fc1", &["frozen layers do not move", apart]);
    train("--regrow set --freeze-parameters fc1", &["frozen layers do not move", apart]);
    train("--regrow set --unfreeze 1", &["layers that begin later do not move", apart]);
    train("--regulariser soft-filters=0.3 --freeze fc1", &["frozen layers", "soft filters", apart]);
    train("--regulariser soft-filters=0.3 --average 0.9", &["average", "soft filters", apart]);
    train("--regulariser slimming=1e-4", &["would change nothing", "no normalisation"]);
}
