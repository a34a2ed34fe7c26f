//! Weights of which no network is known.

use sapwood_core::StateFile;

use crate::{
    safetensors::{Entry, file, floats},
    workplace::{NET, Workplace},
};

/// The trained network under names that nobody knows, without a word on what it is.
fn unknown(place: &Workplace) -> StateFile {
    let ours = StateFile::from_bytes(&place.read(NET)).unwrap();
    let mut theirs = StateFile::default();
    for (path, value) in ours.state.0 {
        theirs.state.0.insert(renamed(path.as_str()).into(), value);
    }
    place.put("unknown.safetensors", theirs.to_bytes().unwrap());
    theirs
}

fn renamed(path: &str) -> String {
    path.replace("fc1", "encoder.a").replace("fc2", "encoder.b").replace("fc3", "head")
}

#[test]
fn counters_of_normalisation_stay_and_what_is_not_scored_is_told() {
    let place = Workplace::new();
    let counter = vec![7, 0, 0, 0, 0, 0, 0, 0];
    place.put(
        "own.safetensors",
        file(&[
            ("0.weight", "F32", &[4, 3, 3, 3], floats(108, 0.5)),
            ("1.running_mean", "F32", &[4], floats(4, 0.0)),
            ("1.running_var", "F32", &[4], floats(4, 1.0)),
            ("1.num_batches_tracked", "I64", &[], counter.clone()),
            ("lstm.weight_ih_l0", "F32", &[4, 4], floats(16, 0.5)),
        ]),
    );
    let said = place.run("prune --weights own.safetensors --sparsity 0.5 --out pruned.safetensors");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("left as they are: `lstm.weight_ih_l0`"), "{said:?}");
    let pruned = place.read("pruned.safetensors");
    let header = String::from_utf8_lossy(&pruned).into_owned();
    assert!(header.contains("1.num_batches_tracked") && header.contains("lstm.weight_ih_l0"), "{header}");
    assert!(pruned.windows(8).any(|bytes| bytes == counter), "the counter is what it was");
}

#[test]
fn tables_of_integers_stay_and_layers_that_are_called_like_masks_are_layers() {
    let place = Workplace::new();
    let index: Vec<u8> = [3i64, 1].iter().flat_map(|at| at.to_le_bytes()).collect();
    place.put(
        "own.safetensors",
        file(&[
            ("attn.weight", "F32", &[4, 4], floats(16, 0.5)),
            ("attn.relative_position_index", "I64", &[2], index.clone()),
            ("attn.attn_mask", "F32", &[2], floats(2, -100.0)),
            ("mask_head.weight_orig", "F32", &[2, 4], floats(8, 0.5)),
            ("mask_head.weight_mask", "F32", &[2, 4], [floats(4, 1.0), floats(4, 0.0)].concat()),
            ("mask_token", "F32", &[4], floats(4, 0.25)),
        ]),
    );
    place.succeed("prune --weights own.safetensors --sparsity 0.5 --out pruned.safetensors");
    let pruned = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
    let masked: Vec<String> = pruned.masks.keys().map(ToString::to_string).collect();
    assert_eq!(masked, ["attn.weight", "mask_head.weight"]);
    let kept = &pruned.masks["mask_head.weight"];
    assert!((4..8).all(|at| !kept.get(at)), "what was masked stays so");
    let values = |path: &str| pruned.state.0[path].iter::<f64>().collect::<Vec<_>>();
    assert_eq!(values("attn.attn_mask"), [-100.0; 2]);
    assert_eq!(values("mask_token"), [0.25; 4]);
    assert_eq!(values("attn.relative_position_index"), [3.0, 1.0]);
}

#[test]
fn a_layer_that_is_called_like_a_mean_is_a_layer_and_means_of_weights_are_left_out() {
    let place = Workplace::new();
    let net = ("net.0.weight", "F32", &[8, 4][..], floats(32, 0.5));
    let head = ("mean.weight", "F32", &[2, 8][..], floats(16, 0.5));
    let names = |entries: &[Entry<'_>]| {
        place.put("own.safetensors", file(entries));
        place.succeed("prune --weights own.safetensors --sparsity 0.5 --out pruned.safetensors");
        let found = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
        found.state.0.keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    let policy = [net.clone(), head, ("log_std", "F32", &[2], floats(2, 0.5))];
    assert_eq!(names(&policy), ["log_std", "mean.weight", "net.0.weight"]);
    let averaged = [net, ("ema.0.weight", "F32", &[8, 4], floats(32, 0.25))];
    assert_eq!(names(&averaged), ["0.weight"]);
}

#[test]
fn they_are_pruned_by_their_shapes_as_the_network_would_be() {
    let place = Workplace::with_net();
    let before = unknown(&place);
    for how in [
        "--sparsity 0.9",
        "--sparsity 0.8 --allocation erk",
        "--sparsity 0.5 --granularity 2:4",
        "--sparsity 0.5 --granularity filter --except type:linear --except conv",
    ] {
        let line = format!("prune --weights unknown.safetensors {how} --out pruned.safetensors");
        if how.contains("type:linear") {
            place.refuse(&line, &["the exception `conv` describes no layer"]);
            continue;
        }
        let said = place.run(&line);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("no model is known that has these weights"), "{said:?}");
        place.succeed(&format!("prune --weights {NET} {how} --out ours.safetensors"));
        let theirs = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
        let ours = StateFile::from_bytes(&place.read("ours.safetensors")).unwrap();
        assert_eq!(theirs.masks.len(), 3, "{how}");
        for (path, mask) in &ours.masks {
            assert_eq!(&theirs.masks[renamed(path.as_str()).as_str()], mask, "{how}: {path}");
        }
        assert_eq!(theirs.state.0.keys().collect::<Vec<_>>(), before.state.0.keys().collect::<Vec<_>>());
        // A second cut keeps what is gone.
        place.succeed("prune --weights pruned.safetensors --sparsity 0.95 --out again.safetensors");
        let again = StateFile::from_bytes(&place.read("again.safetensors")).unwrap();
        for (path, mask) in &again.masks {
            assert!((0..mask.len()).all(|at| !mask.get(at) || theirs.masks[path].get(at)), "{how}: {path}");
        }
    }
    place.succeed("prune --weights unknown.safetensors --criterion random --sparsity 0.5 --except head --out r.safetensors");
    let random = StateFile::from_bytes(&place.read("r.safetensors")).unwrap();
    assert_eq!(random.masks.len(), 2);
    for more in [
        "--criterion synflow --sparsity 0.5",
        "--criterion snip --data digits --sparsity 0.5",
        "--masks-from r.safetensors",
    ] {
        let line = format!("prune --weights unknown.safetensors {more} --out x.safetensors");
        place.refuse(&line, &["the weights do not say which model they belong to"]);
    }
    for (more, expected) in [
        ("--preprocess imagenet", ["`--preprocess`", "`--model`"]),
        ("--input 1x8x8", ["`--input`", "criterion `magnitude` makes none"]),
    ] {
        let line = format!("prune --weights unknown.safetensors {more} --sparsity 0.5 --out x.safetensors");
        place.refuse(&line, &expected);
    }
    place.put("none.safetensors", file(&[("a", "F32", &[4], floats(4, 1.0))]));
    place.refuse("prune --weights none.safetensors --sparsity 0.5 --out x", &["there are no weights in it"]);
}

#[test]
fn the_network_whose_shapes_they_have_is_proposed() {
    let place = Workplace::new();
    let entry = |name, shape: &'static [usize]| -> Entry<'static> {
        (name, "F32", shape, floats(shape.iter().product(), 0.5))
    };
    let tensors = [
        entry("stem.weight", &[20, 1, 5, 5]),
        entry("body.weight", &[50, 20, 5, 5]),
        entry("wide.weight", &[500, 800]),
        entry("head.weight", &[10, 500]),
    ];
    place.put("like.safetensors", file(&tensors));
    let expected = "most like `lenet-5`, with 4 of 4 the same: name it with `--model`";
    place.refuse("describe --weights like.safetensors", &[expected]);
    place.put("unlike.safetensors", file(&tensors[..1]));
    place.refuse("describe --weights unlike.safetensors", &["no model has their names and shapes: name it"]);
}
