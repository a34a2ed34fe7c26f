//! Scores that were computed elsewhere: `prune --scores` and `shrink --scores`.

use sapwood_core::{Array, StateFile};

use crate::{
    numpy::{npy, npz},
    pruning::{read, workplace},
    workplace::{NET, Workplace},
};

/// Writes changed scores of the network's magnitudes.
fn put(place: &Workplace, name: &str, change: impl Fn(&mut StateFile)) {
    place.succeed(&format!("score --weights {NET} --criterion magnitude --out whole.safetensors"));
    let mut scores = read(place, "whole.safetensors");
    change(&mut scores);
    place.put(name, scores.to_bytes().unwrap());
}

/// A name that nobody knows.
fn renamed(path: &str) -> String {
    path.replace("fc1", "encoder.a").replace("fc2", "encoder.b").replace("fc3", "head")
}

#[test]
fn a_criterion_and_its_written_scores_make_the_same_file() {
    let place = workplace();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.3 --out masked.safetensors"));
    for (weights, criterion) in [
        (NET, "--criterion magnitude"),
        // These have a sign.
        (NET, "--criterion movement --data batch.safetensors"),
        (NET, "--criterion wanda --data batch.safetensors --precision f32"),
        ("masked.safetensors", "--criterion magnitude"),
    ] {
        place.succeed(&format!("score --weights {weights} {criterion} --out s.safetensors"));
        for cut in [
            "--sparsity 0.9 --allocation erk",
            "--sparsity 0.8 --ablation shuffle --seed 3 --except fc3",
            "--sparsity 0.5 --granularity 1x4 --allocation uniform",
        ] {
            let line = |by: &str, out: &str| {
                place.succeed(&format!("prune --weights {weights} {by} {cut} --out {out}"))
            };
            let said = line(criterion, "a.safetensors");
            assert_eq!(line("--scores s.safetensors", "b.safetensors"), said, "{criterion} {cut}");
            assert!(place.read("a.safetensors") == place.read("b.safetensors"), "{criterion} {cut}");
        }
    }
}

#[test]
fn scores_may_be_numpys() {
    let place = workplace();
    put(&place, "s.safetensors", |_| {});
    let arrays: Vec<(String, Vec<u8>)> = read(&place, "s.safetensors")
        .state
        .0
        .iter()
        .map(|(path, scores)| {
            let bytes: Vec<u8> = scores.iter::<f64>().flat_map(f64::to_le_bytes).collect();
            (path.to_string(), npy("<f8", false, scores.shape(), &bytes))
        })
        .collect();
    let arrays: Vec<(&str, Vec<u8>)> =
        arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    place.put("s.npz", npz(&arrays));
    let line = |file: &str| {
        place.succeed(&format!("prune --weights {NET} --scores {file} --sparsity 0.9 --out {file}.pruned"));
        place.read(&format!("{file}.pruned"))
    };
    assert!(line("s.npz") == line("s.safetensors"));
    place.put("cut.npz", &npz(&arrays)[..200]);
    place.refuse(&format!("prune --weights {NET} --scores cut.npz --sparsity 0.9 --out x"), &["cut.npz"]);
}

#[test]
fn channels_leave_by_written_scores() {
    let place = workplace();
    let wanda = "--criterion wanda --data batch.safetensors";
    place.succeed(&format!("score --weights {NET} {wanda} --out s.safetensors"));
    for target in ["--channels 30%", "--macs 50% --selection global --normaliser none"] {
        let line =
            |by: &str, out: &str| place.succeed(&format!("shrink --weights {NET} {by} {target} --out {out}"));
        let said = line(wanda, "a.safetensors");
        assert_eq!(line("--scores s.safetensors", "b.safetensors"), said, "{target}");
        assert!(place.read("a.safetensors") == place.read("b.safetensors"), "{target}");
    }
}

/// Writes the network as `own.safetensors` under names that nobody knows, and the scores of its magnitudes as
/// `s.safetensors`.
fn put_own(place: &Workplace) {
    put(place, "s.safetensors", |scores| {
        scores.state.0 = std::mem::take(&mut scores.state.0)
            .into_iter()
            .map(|(path, values)| (renamed(path.as_str()).into(), values))
            .collect();
    });
    let mut own = StateFile::default();
    for (path, value) in read(place, NET).state.0 {
        own.state.0.insert(renamed(path.as_str()).into(), value);
    }
    place.put("own.safetensors", own.to_bytes().unwrap());
}

#[test]
fn weights_of_no_known_network_are_pruned_by_written_scores() {
    let place = Workplace::with_net();
    put_own(&place);
    for (by, out) in [("", "a.safetensors"), ("--scores s.safetensors", "b.safetensors")] {
        place.succeed(&format!("prune --weights own.safetensors {by} --sparsity 0.8 --out {out}"));
    }
    assert_eq!(read(&place, "a.safetensors"), read(&place, "b.safetensors"));
}

/// Prunes filters of a masked network by magnitude and by written magnitudes of the network without masks: the masks must
/// be the same, though the largest weights are gone.
fn prune_filters(place: &Workplace, dense: &str, scores: &str) {
    place.succeed(&format!(
        "prune --weights {dense} --sparsity 0.3 --ablation invert --out masked.safetensors"
    ));
    let filters = "prune --weights masked.safetensors --granularity filter --sparsity 0.5";
    place.succeed(&format!("{filters} --out a.safetensors"));
    place.succeed(&format!("{filters} --scores {scores} --out b.safetensors"));
    assert_eq!(read(place, "a.safetensors"), read(place, "b.safetensors"));
}

#[test]
fn scores_of_masked_weights_do_not_count() {
    let place = Workplace::with_net();
    put(&place, "s.safetensors", |_| {});
    prune_filters(&place, NET, "s.safetensors");
}

#[test]
fn scores_of_masked_weights_of_no_known_network_do_not_count() {
    let place = Workplace::with_net();
    put_own(&place);
    prune_filters(&place, "own.safetensors", "s.safetensors");
}

#[test]
fn scores_that_are_not_those_of_the_network_are_refused() {
    let place = workplace();
    put(&place, "lacking.safetensors", |scores| drop(scores.state.0.remove("fc2.weight")));
    put(&place, "turned.safetensors", |scores| {
        let weight = scores.state.0.get_mut("fc3.weight").unwrap();
        *weight = Array::new([5, 20], weight.iter::<f64>().collect::<Vec<_>>()).unwrap();
    });
    put(&place, "broken.safetensors", |scores| {
        scores.state.0.get_mut("fc1.weight").unwrap().as_mut_slice::<f64>().unwrap()[3] = f64::NAN;
    });
    for (command, target) in [("prune", "--sparsity 0.9"), ("shrink", "--channels 30%")] {
        let refuse = |more: &str, expected: &[&str]| {
            place.refuse(&format!("{command} --weights {NET} {target} {more} --out p.safetensors"), expected);
        };
        refuse("--scores lacking.safetensors", &["missing fc2.weight;", "exclude layers", "(`--except`)"]);
        refuse("--scores turned.safetensors", &["fc3.weight should be [10, 10] but is [5, 20]"]);
        refuse(
            "--scores broken.safetensors",
            &["1 scores of `fc1.weight` are not finite", "NaN, at flat index 3"],
        );
        refuse(&format!("--scores {NET}"), &["unexpected fc1.bias, fc2.bias, fc3.bias;"]);
        refuse("--scores none.safetensors", &["cannot read", "none.safetensors"]);
        refuse("--scores lacking.safetensors --criterion snip", &["cannot be used with", "--scores"]);
        refuse("--scores lacking.safetensors --option a=1", &["cannot be used with", "--scores"]);
        refuse(
            "--scores lacking.safetensors --data batch.safetensors",
            &["nothing of `--data` would be read"],
        );
    }
    place.succeed(&format!("prune --weights {NET} --sparsity 0.5 --out masked.safetensors"));
    place.refuse(
        &format!("prune --weights {NET} --sparsity 0.5 --scores masked.safetensors --out p.safetensors"),
        &["expected scores alone", "found masks"],
    );
    place.refuse(&format!("shrink --weights {NET} --scores lacking.safetensors --out p"), &["--channels"]);
    place.succeed(&format!(
        "prune --weights {NET} --sparsity 0.9 --scores lacking.safetensors --except fc2 --out p.safetensors"
    ));
}
