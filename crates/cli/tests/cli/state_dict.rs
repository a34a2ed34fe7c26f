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
fn layers_keep_their_names_whatever_training_calls_so() {
    let place = Workplace::new();
    let tensor = |name: &'static str, shape: &'static [usize]| -> Entry<'static> {
        (name, "F32", shape, floats(shape.iter().product(), 0.5))
    };
    let prune = "prune --weights own.safetensors --sparsity 0.5 --out pruned.safetensors";
    let names = |entries: &[Entry<'_>]| {
        place.put("own.safetensors", file(entries));
        let said = place.run(prune);
        assert_eq!(said.code, Some(0), "{said:?}");
        let found = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
        (found.state.0.keys().map(ToString::to_string).collect::<Vec<_>>(), said.err)
    };
    for layers in [
        ["trunk.weight", "velocity.weight"],
        ["log_var.weight", "mean.weight"],
        ["log_var.0.weight", "mean.0.weight"],
        ["avg_pool.0.weight", "head.0.weight"],
        ["scaler.weight", "trunk.0.weight"],
    ] {
        let (found, said) = names(&layers.map(|layer| tensor(layer, &[4, 8])));
        assert!(found == layers && !said.contains("left out"), "{found:?} {said}");
    }
    // An optimiser's memory and averages are left out, which is told.
    let net = [tensor("model.a.weight", &[4, 8]), tensor("model.b.weight", &[2, 4])];
    let memory = |key: &'static [&'static str; 2]| {
        names(&[net.to_vec(), vec![tensor(key[0], &[4, 8]), tensor(key[1], &[2, 4])]].concat())
    };
    let (found, said) = memory(&["ema.module.a.weight", "ema.module.b.weight"]);
    assert!(found == ["a.weight", "b.weight"] && said.contains("left out what lies below `ema`"), "{said}");
    assert_eq!(memory(&["momentum.a.weight", "momentum.b.weight"]).0, ["a.weight", "b.weight"]);
    let state = "optimizer.state.0.exp_avg";
    assert_eq!(names(&[net.to_vec(), vec![tensor(state, &[4, 8])]].concat()).0, ["a.weight", "b.weight"]);

    // What is no number in 32 bits is kept, and what cannot be read says why.
    let plain = tensor("fc.weight", &[4, 8]);
    let wide = ("pos", "I16", &[2][..], [5i16, -3].iter().flat_map(|x| x.to_le_bytes()).collect());
    let (found, _) = names(&[plain.clone(), ("attn.keep", "BOOL", &[2], vec![0, 1]), wide]);
    assert_eq!(found, ["attn.keep", "fc.weight", "pos"]);
    let pruned = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
    assert_eq!(pruned.state.0["pos"].iter::<i64>().collect::<Vec<_>>(), [5, -3]);
    place.put("own.safetensors", file(&[plain.clone(), ("odd.weight", "F8_E4M3", &[2], vec![0, 1])]));
    place.refuse(prune, &["`odd.weight` is of the type", "save it as float32"]);

    let norm = ["conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1"];
    let (found, _) = names(&[tensor(norm[0], &[4, 1]), tensor(norm[1], &[4, 8]), plain.clone()]);
    assert_eq!(found, [norm[0], norm[1], "fc.weight"]);
    assert_eq!(names(&[tensor("enc.table_orig", &[4, 2]), plain.clone()]).0, ["enc.table_orig", "fc.weight"]);
    place.refuse(&format!("{prune} --rename enc=dec"), &["`enc` was to be renamed", "rename nothing"]);
}

#[test]
fn zeros_become_masks_on_request_and_are_told_without() {
    let place = Workplace::new();
    let wide = |values| -> Entry<'static> { ("a.weight", "F32", &[8, 8], values) };
    let small: Entry<'static> = ("b.weight", "F32", &[4, 4], floats(16, 0.25));
    let half = [floats(32, 0.0), floats(32, 0.5)].concat();
    place.put("half.safetensors", file(&[wide(half), small.clone()]));
    place.put("dense.safetensors", file(&[wide(floats(64, 0.5)), small]));
    let prune =
        |file: &str, how: &str| format!("prune --weights {file}.safetensors {how} --out p.safetensors");

    let told = place.run(&prune("half", "--sparsity 0.5")).err;
    let expected = "32 of 80 weights are zero but have no mask: keep them with `--masks-from-zeros`";
    assert!(told.contains(expected), "{told}");
    let outcome = place.run(&prune("half", "--masks-from-zeros --criterion random --sparsity 0.5"));
    assert!(outcome.out.contains("40 of 80 weights kept"), "{outcome:#?}");
    assert!(!outcome.err.contains("no mask"), "{outcome:#?}");
    let masks = StateFile::from_bytes(&place.read("p.safetensors")).unwrap().masks;
    assert!((0..32).all(|at| !masks["a.weight"].get(at)), "a zero is no weight that could be kept");
    place.refuse(&prune("dense", "--masks-from-zeros --sparsity 0.5"), &["there is nothing to keep"]);
}

#[test]
fn what_groups_are_in_weights_is_said_as_of_a_network() {
    let place = Workplace::with_net();
    unknown(&place);
    let groups = |file: &str| {
        let line = format!("prune --weights {file} --sparsity 0.5 --granularity filter --out p.safetensors");
        let said = place.succeed(&line);
        said.lines().last().and_then(|line| line.split_once("; ")).map(|(_, groups)| groups.to_string())
    };
    let ours = groups(NET);
    assert!(ours.as_ref().is_some_and(|groups| groups.ends_with("filters")), "{ours:?}");
    assert_eq!(groups("unknown.safetensors"), ours);
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
