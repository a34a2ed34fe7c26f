//! The page's engine on the CPU, natively: what it promises a browser.

use burn::prelude::Device;
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{Masks, State, StateFile};
use sapwood_web::{Begin, DataName, Error, PruneRequest, Session, Settings, Which};

fn cpu() -> Device {
    DeviceSpec::CPU.resolve().unwrap()
}

fn session(data: DataName, network: &str, epochs: usize) -> Session {
    Session::new(Settings { data, network: network.into(), epochs, seed: 3 }, &cpu()).unwrap()
}

fn request(criterion: &str, sparsity: &str) -> PruneRequest {
    PruneRequest {
        criterion: criterion.into(),
        sparsity: sparsity.into(),
        allocation: "global".into(),
        begin: Begin::Trained,
    }
}

/// Trains to the end in slices of a number of steps, and tells the accuracy there.
fn finish(session: &mut Session, which: Which, steps: usize) -> f64 {
    loop {
        let progress = block_on(session.train(which, steps)).unwrap();
        if progress.done {
            return progress.test.unwrap().top1;
        }
    }
}

fn weights(session: &Session, which: Which) -> (State, Masks) {
    let file = StateFile::from_bytes(&block_on(session.file(which)).unwrap()).unwrap();
    (file.state, file.masks)
}

#[test]
fn digits_are_learnt_pruned_to_a_tenth_and_learnt_again() {
    let mut session = session(DataName::Digits, "lenet", 30);
    let dense = finish(&mut session, Which::Dense, 7);
    assert!(0.9 < dense, "{dense}");

    let report = block_on(session.prune(&request("magnitude", "0.9"))).unwrap();
    assert_eq!((report.kept, report.total), (5_020, 50_200));
    assert_eq!(report.layers.iter().map(|layer| layer.kept).sum::<usize>(), report.kept);
    let masks = session.masks().unwrap();

    let retrained = finish(&mut session, Which::Pruned, 7);
    assert!(dense - 0.03 < retrained, "{dense}, then {retrained}");
    assert_eq!(session.masks().unwrap(), masks);
    // Nothing that was removed has come back, to the bit.
    let (state, in_file) = weights(&session, Which::Pruned);
    assert_eq!(in_file, masks.into_masks());
    for (path, mask) in &in_file {
        let values = state.0[path].iter::<f32>();
        assert!(values.zip(mask.iter()).all(|(value, keep)| keep || value.to_bits() == 0), "{path}");
    }
}

#[test]
fn a_packed_network_is_smaller_and_answers_the_same() {
    let mut session = session(DataName::Digits, "lenet", 2);
    finish(&mut session, Which::Dense, 7);
    assert!(matches!(block_on(session.packed(Which::Pruned)), Err(Error::NotPruned)));
    block_on(session.prune(&request("magnitude", "0.95"))).unwrap();
    let found = block_on(session.packed(Which::Pruned)).unwrap();
    assert!(8 * found.packed < found.plain, "{found:?}");
    assert_eq!(found.test, block_on(session.evaluate(Which::Pruned)).unwrap());
    let bytes = block_on(session.packed_file(Which::Pruned)).unwrap();
    assert_eq!(bytes.len(), found.packed);
    let plain = block_on(session.file(Which::Pruned)).unwrap();
    assert_eq!(StateFile::from_bytes(&bytes).unwrap(), StateFile::from_bytes(&plain).unwrap());
}

#[test]
fn slices_make_what_one_run_would() {
    let mut at_once = session(DataName::Digits, "conv", 1);
    let mut in_slices = at_once.clone();
    finish(&mut at_once, Which::Dense, usize::MAX / 2);
    finish(&mut in_slices, Which::Dense, 4);
    assert_eq!(weights(&at_once, Which::Dense), weights(&in_slices, Which::Dense));
}

#[test]
fn what_was_kept_goes_on_to_the_same_weights() {
    for (data, network) in [(DataName::Digits, "lenet"), (DataName::Life, "life")] {
        let mut session = session(data, network, 1);
        block_on(session.train(Which::Dense, 8)).unwrap();
        block_on(session.prune(&request("snip", "0.5"))).unwrap();
        block_on(session.train(Which::Pruned, 8)).unwrap();

        let kept = block_on(session.keep()).unwrap();
        let mut restored = Session::restore(&kept, &cpu()).unwrap();
        for which in [Which::Dense, Which::Pruned] {
            assert_eq!(restored.progress(which).unwrap(), session.progress(which).unwrap());
            finish(&mut session, which, 16);
            finish(&mut restored, which, 16);
            assert_eq!(weights(&restored, which), weights(&session, which), "{network}, {which:?}");
        }
    }
    assert!(Session::restore(b"something else", &cpu()).is_err());
}

#[test]
fn a_criterion_is_offered_where_the_network_has_what_it_asks_for_and_then_works() {
    for (network, without) in [("lenet", vec!["bn-scale"]), ("resnet", vec![])] {
        let mut session = session(DataName::Digits, network, 1);
        let choices = session.criteria();
        let refused: Vec<_> =
            choices.iter().filter(|choice| choice.refused.is_some()).map(|choice| choice.name).collect();
        assert_eq!(refused, without);
        for choice in choices.iter().filter(|choice| network == "lenet" && choice.refused.is_none()) {
            let report = block_on(session.prune(&request(choice.name, "0.8"))).unwrap();
            assert_eq!(report.kept, report.total / 5, "{}", choice.name);
        }
    }
}

#[test]
fn a_network_learns_the_game_of_life_and_says_what_comes_of_a_board() {
    let mut session = session(DataName::Life, "life", 12);
    let cells = finish(&mut session, Which::Dense, 32);
    assert!(0.97 < cells, "{cells}");
    let (board, next) = session.test_example(0).unwrap();
    assert_eq!((session.test_examples(), board.len(), next.len()), (128, 256, 256));
    assert_eq!(session.next(&board).unwrap(), next);
    let answers = block_on(session.answers(&board)).unwrap();
    let right = answers[0].probabilities.iter().zip(&next).filter(|(p, cell)| (**p > 0.5) == (**cell == 1));
    assert!(240 < right.count());
}

#[test]
fn a_drawn_one_is_read_as_a_one_by_both_networks() {
    let mut session = session(DataName::Digits, "lenet", 20);
    finish(&mut session, Which::Dense, 23);
    block_on(session.prune(&request("magnitude", "0.8"))).unwrap();
    finish(&mut session, Which::Pruned, 23);
    for (digit, strokes) in [
        (1, vec![vec![[0.5, 0.1], [0.5, 0.9]]]),
        (0, vec![(0..=20).map(|i| f32::sin_cos(i as f32 * 0.314)).map(|(x, y)| [0.6 * x, y]).collect()]),
        (7, vec![vec![[0.2, 0.1], [0.8, 0.1], [0.4, 0.9]]]),
    ] {
        let answers = block_on(session.answers(&sapwood_web::ink::image(&strokes))).unwrap();
        let classes: Vec<_> = answers.iter().map(|answer| answer.class).collect();
        assert_eq!(classes, [Some(digit), Some(digit)], "{answers:?}");
    }
}

#[test]
fn a_downloaded_network_is_a_weight_file_like_any_other() {
    let mut session = session(DataName::Digits, "conv", 1);
    block_on(session.prune(&request("magnitude", "0.9"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pruned.safetensors");
    std::fs::write(&path, block_on(session.file(Which::Pruned)).unwrap()).unwrap();
    let opened = sapwood_models::open(&path, None, &cpu()).unwrap();
    assert_eq!(opened.masks, session.masks().unwrap().into_masks());
    assert_eq!(opened.spec.model, "conv-2");
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let refused = |error: Error, expected: &str| {
        let error = error.to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    };
    let mut session = session(DataName::Digits, "lenet", 1);
    refused(block_on(session.train(Which::Pruned, 1)).unwrap_err(), "prune the network first");
    refused(block_on(session.prune(&request("magnitud", "0.5"))).unwrap_err(), "magnitude");
    refused(block_on(session.prune(&request("magnitude", "1.5"))).unwrap_err(), "1.5");
    refused(block_on(session.prune(&request("bn-scale", "0.5"))).unwrap_err(), "bn-scale");
    refused(block_on(session.answers(&[0; 63])).unwrap_err(), "63");
    refused(block_on(session.answers(&[0; 128])).unwrap_err(), "expected 64 values, found 128");
    refused(session.test_example(360).unwrap_err(), "below 360");
    let life = Settings { data: DataName::Life, network: "lenet".into(), epochs: 1, seed: 0 };
    refused(Session::new(life, &cpu()).unwrap_err(), "expected life, found lenet");
    refused(session.next(&[0; 64]).unwrap_err(), "board");
    let none = Settings { data: DataName::Digits, network: "lenet".into(), epochs: 0, seed: 0 };
    refused(Session::new(none, &cpu()).unwrap_err(), "epochs");
}
