//! Every command on small inputs.

use sapwood_core::StateFile;

use crate::{
    child,
    safetensors::{file, floats},
    workplace::{NET, Workplace},
};

#[test]
fn what_there_is_is_listed() {
    let place = Workplace::new();
    for (line, expected) in [
        ("list models", "resnet-20"),
        ("list data", "digits"),
        ("list criteria", "magnitude"),
        ("list allocations", "uniform"),
        ("list inits", "kaiming-normal"),
        ("data list", "digits"),
        ("devices", "cpu"),
        ("--help", "prune"),
        ("help train", "--checkpoint-every"),
        ("--version", env!("CARGO_PKG_VERSION")),
    ] {
        let out = place.succeed(line);
        assert!(out.contains(expected), "{line}: {out}");
    }
    let resnets = place.succeed("list models resnet-18*");
    assert!(resnets.contains("resnet-18-small") && !resnets.contains("vgg"), "{resnets}");
}

#[test]
fn a_network_is_described_in_a_table_and_in_json() {
    let place = Workplace::with_net();
    let table = place.succeed("describe --model resnet-20");
    assert!(table.contains("272474 parameters") && table.contains("layer3.2.conv2"), "{table}");
    let of_a_file: serde_json::Value =
        serde_json::from_str(&place.succeed(&format!("describe --weights {NET} --json"))).unwrap();
    assert_eq!((&of_a_file["model"], &of_a_file["input"]), (&"lenet-300-100".into(), &[1, 8, 8].into()));
    let shaped = place.succeed("describe --model lenet-5 --input 3x40x40 --classes 7 --width 0.5");
    assert!(shaped.contains("lenet-5 at 3x40x40") && shaped.contains("7x1x1"), "{shaped}");
}

#[test]
fn each_layer_of_a_network_is_timed_with_its_kernel() {
    let place = Workplace::with_net();
    let table = place.succeed(&format!("profile --weights {NET} --threads 2 --batch 3 --runs 2"));
    assert!(table.contains("linear dense") && table.contains("3 images at once on 2 threads"), "{table}");
    let json: serde_json::Value =
        serde_json::from_str(&place.succeed(&format!("profile --weights {NET} --runs 1 --json"))).unwrap();
    let layers = json["layers"].as_array().unwrap();
    let macs: u64 = layers.iter().filter_map(|layer| layer["macs"].as_u64()).sum();
    let described: serde_json::Value =
        serde_json::from_str(&place.succeed(&format!("describe --weights {NET} --json"))).unwrap();
    assert_eq!(described["macs"], macs);
    assert!(json["memory"].as_u64() >= json["least_memory"].as_u64(), "{json}");
    let shares = layers.iter().filter(|layer| layer["macs"].as_u64() > Some(0));
    assert!(shares.clone().count() > 0 && shares.clone().all(|layer| layer["of_peak"].as_f64() > Some(0.0)));
    assert!(json["seconds_with_zeros"].is_null(), "{json}");
}

#[test]
fn what_zeros_gain_stands_beside_what_is_left() {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 97% --except fc3 --out sparse.safetensors"));
    let table = place.succeed("profile --weights sparse.safetensors --runs 2");
    for expected in ["peak (%)", "all weights (us)", " sparse ", "ms with all weights: zeros make it "] {
        assert!(table.contains(expected), "{expected}: {table}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&place.succeed("profile --weights sparse.safetensors --runs 2 --json")).unwrap();
    assert!(json["seconds_with_zeros"].as_f64() > Some(0.0), "{json}");
    let layers = json["layers"].as_array().unwrap();
    assert!(layers.iter().all(|layer| layer["macs"] == 0 || layer["seconds_with_zeros"].is_f64()), "{json}");
}

#[test]
fn the_runtime_answers_as_the_tensor_library_does() {
    let place = Workplace::with_net();
    let [by_tensors, by_runtime] =
        ["", "--runtime"].map(|how| place.succeed(&format!("eval --weights {NET} --data digits {how}")));
    assert_eq!(by_tensors, by_runtime);
    place.refuse(&format!("eval --weights {NET} --data digits --runtime --exact"), &["--exact", "--runtime"]);
    for engine in ["--runtime", "--exact"] {
        let line = format!("eval --weights {NET} --data digits {engine} --device ndarray");
        place.refuse(&line, &["compute on the CPU: leave `--device ndarray` out"]);
    }
    place.refuse(
        &format!("profile --weights {NET} --runs 1 --against onnxruntime --python no-such-python"),
        &["`no-such-python` cannot be run", "`numpy`", "--python"],
    );
}

/// As the script ends where a package is lacking.
#[cfg(unix)]
#[test]
fn a_python_without_a_package_names_it_and_the_option() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::with_net();
    place.put("python", "#!/bin/sh\necho 'the Python package `numpy` is not installed' >&2\nexit 1\n");
    let path = place.path().join("python");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    place.refuse(
        &format!("profile --weights {NET} --runs 1 --against onnxruntime --python ./python"),
        &["the Python package `numpy` is not installed: install it, or name", "with `--python`"],
    );
}

#[test]
fn a_network_is_trained_pruned_retrained_and_evaluated() {
    let place = Workplace::new();
    let out = place.succeed(
        "train --model lenet-300-100 --width 0.2 --data digits --epochs 4 --lr 0.1 --batch-size 32 --out dense",
    );
    assert!(out.starts_with("360 test examples: top-1 "), "{out}");
    let out =
        place.succeed("prune --weights dense/weights.safetensors --sparsity 80% --out pruned.safetensors");
    assert!(out.contains("density") && out.contains("1048 of 5240 weights kept"), "{out}");
    place.succeed("train --weights pruned.safetensors --data digits --epochs 1 --lr 0.05 --out sparse");

    let retrained = StateFile::from_bytes(&place.read("sparse/weights.safetensors")).unwrap();
    let described = place.succeed("describe --weights pruned.safetensors");
    assert!(described.contains("weights kept: 80.00 % removed"), "{described}");
    let pruned = StateFile::from_bytes(&place.read("pruned.safetensors")).unwrap();
    assert!(!pruned.masks.is_empty() && retrained.masks == pruned.masks, "masks travel with the weights");
    assert_ne!(retrained.state, pruned.state);

    let config: serde_json::Value = serde_json::from_slice(&place.read("sparse/config.json")).unwrap();
    let digest = blake3::hash(&place.read("pruned.safetensors")).to_hex();
    assert_eq!((&config["weights"], config.get("init")), (&digest.as_str().into(), None), "{config}");

    let out = place.succeed("eval --weights sparse/weights.safetensors --data digits --json");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&place.read("sparse/record.json")).unwrap();
    assert_eq!(found, record["test"], "what was recorded is what is found");
    assert!(found["top1"].as_f64().unwrap() > 0.8, "{found}");
}

#[test]
fn pruning_can_look_at_examples() {
    let place = Workplace::with_net();
    place.succeed(&format!(
        "prune --weights {NET} --criterion snip --data digits --batches 2 --sparsity 0.5 --exclude fc3.* \
         --allocation uniform --out snip.safetensors"
    ));
    let pruned = StateFile::from_bytes(&place.read("snip.safetensors")).unwrap();
    assert_eq!(
        pruned.masks.keys().map(|path| path.as_str()).collect::<Vec<_>>(),
        ["fc1.weight", "fc2.weight"]
    );
}

/// It is 90.28 % here; a constant learning rate gave 88.06 %.
#[test]
fn the_recipe_that_nobody_chose_is_a_good_one() {
    let place = Workplace::new();
    place.succeed("train --model lenet-300-100 --data digits --out run");
    let out = place.succeed("eval --weights run/weights.safetensors --data digits --json");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(found["top1"].as_f64().unwrap() > 0.89, "{found}");
}

#[test]
fn a_file_that_is_pruned_elsewhere_keeps_its_masks() {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.5 --out half.safetensors"));
    place.succeed("prune --weights half.safetensors --except fc3 --sparsity 0.9 --out more.safetensors");
    let masks = |file: &str| StateFile::from_bytes(&place.read(file)).unwrap().masks;
    let (half, more) = (masks("half.safetensors"), masks("more.safetensors"));
    assert_eq!(half["fc3.weight"], more["fc3.weight"]);
    assert!(more["fc1.weight"].count_ones() < half["fc1.weight"].count_ones());
}

#[test]
fn a_network_runs_on_a_tensor() {
    let place = Workplace::with_net();
    place.put("input.safetensors", file(&[("input", "F32", &[3, 1, 8, 8], floats(192, 0.5))]));
    place.succeed(&format!("forward --weights {NET} --input input.safetensors --out new/output.safetensors"));
    place.refuse(
        &format!("forward --weights {NET} --input input.safetensors --out x --runtime --batch-statistics"),
        &["statistics of a batch", "--runtime"],
    );
    let output = StateFile::from_bytes(&place.read("new/output.safetensors")).unwrap();
    let sum: f32 = output.state.0["probabilities"].iter::<f32>().sum();
    assert!((sum - 3.0).abs() < 1e-5, "three distributions, but they sum up to {sum}");
    assert_eq!(output.state.0["logits"].shape(), [3, 10]);
}

#[test]
fn an_image_of_ones_own_is_classified() {
    let place = Workplace::with_net();
    place.put("image.png", PNG);
    let out = place.succeed(&format!("predict --weights {NET} --data digits image.png image.png"));
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(
        out.lines().all(|line| line.starts_with("image.png: ") && line.matches('%').count() == 3),
        "{out}"
    );
}

/// One grey pixel.
pub(crate) const PNG: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 58,
    126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 104, 0, 0, 0, 130, 0, 129, 119, 205, 114, 182,
    0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

#[test]
fn images_of_ones_own_in_folders_are_learnt_and_told_by_their_classes() {
    let place = Workplace::new();
    for (class, image) in [("sky", BLUE), ("brick", RED)] {
        for number in 0..12 {
            place.put(&format!("own/train/{class}/{number}.png"), image);
        }
        place.put(&format!("own/test/{class}/1.png"), image);
    }
    let own = "--data image-folder --data-root own";
    let train = format!("train --model lenet-300-100 {own} --epochs 1 --batch-size 2 --lr 0.01");
    place.refuse(&format!("{train} --out run"), &["its size is", "with the option `image` all are resized"]);
    let out = place.succeed(&format!("{train} --image 3x8x8 --out run"));
    assert!(out.starts_with("2 test examples: top-1 100.00 %"), "{out}");

    let weights = "--weights run/weights.safetensors";
    let found = place.succeed(&format!("eval {weights} {own}"));
    assert_eq!(found.lines().next(), out.lines().next(), "the weights know the size");
    let out = place.succeed(&format!("predict {weights} {own} own/test/sky/1.png own/test/brick/1.png"));
    let tops: Vec<_> = out.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(tops, ["sky", "brick"], "{out}");
    place.refuse(&format!("eval {weights} {own} --image 3x9x9"), &["does not take 3x9x9 inputs"]);
    place.refuse(
        &format!("predict {weights} --data image-folder --data-root none own/test/sky/1.png"),
        &["none/train", "expected `train` and `test` here"],
    );
}

/// 4x4 pixels.
const RED: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0, 38,
    147, 9, 41, 0, 0, 0, 16, 73, 68, 65, 84, 120, 218, 99, 184, 35, 34, 2, 71, 12, 196, 113, 0, 179, 67, 16,
    65, 154, 33, 158, 232, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// 5x6 pixels.
const BLUE: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 6, 0, 0, 0, 5, 8, 2, 0, 0, 0, 233,
    58, 10, 177, 0, 0, 0, 17, 73, 68, 65, 84, 120, 218, 99, 16, 17, 185, 131, 134, 24, 168, 40, 4, 0, 144,
    126, 30, 121, 52, 252, 158, 130, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

#[test]
fn embedded_data_sets_need_no_network() {
    let place = Workplace::new();
    assert!(place.succeed("data get digits").contains("checksums right"));
    assert!(place.succeed("data verify digits").contains("checksums right"));
    assert!(place.succeed("data verify life").contains("not checked"));
    assert!(place.files().is_empty());
}

#[test]
fn the_game_of_life_is_learnt_by_a_network_of_cells() {
    let place = Workplace::new();
    let out = place.succeed(
        "train --model life-net --overcompleteness 2 --data life --examples 64 --epochs 1 --optimizer adamw --out run",
    );
    assert!(out.contains("labels right") && out.contains("examples with all labels right"), "{out}");
    let curve = String::from_utf8(place.read("run/curve.csv")).unwrap();
    let [names, values] = [0, 1].map(|line| curve.lines().nth(line).unwrap().split(',').collect::<Vec<_>>());
    assert_eq!((names.len(), names.last()), (values.len(), Some(&"test_exact")));
    assert!(values.last().unwrap().parse::<f64>().is_ok() && values[6].is_empty(), "no top-5: {curve}");
    assert_eq!(
        place.succeed("eval --weights run/weights.safetensors --data life"),
        out.split_inclusive('\n').next().unwrap()
    );
}

#[test]
fn the_demonstration_writes_its_page() {
    let place = Workplace::new();
    let out = place.succeed("demo --replicates 1 --epochs 1 --out page.html");
    assert!(out.contains("SNIP at init") && out.contains("report: page.html"), "{out}");
    assert!(String::from_utf8(place.read("page.html")).unwrap().contains("<svg"));
}

#[test]
fn a_benchmark_table_is_searched() {
    let place = Workplace::new();
    let mut table = String::from("kernel,width,metric:accuracy,metric:ms\n");
    for (k, kernel) in [3, 5, 7].into_iter().enumerate() {
        for width in 1..=20 {
            let (k, w) = (k as f64, f64::from(width));
            table += &format!("{kernel},{width},{},{}\n", 1.0 - 1.0 / (1.0 + k + w), w + 10.0 * k);
        }
    }
    place.put("t.csv", table);
    let objectives =
        ["search", "--space", "tabular:t.csv", "--objective", "max accuracy", "--objective", "min ms"];
    let search = |more: &[&str]| child::run(place.path(), &[&objectives[..], more].concat());
    let outcome = search(&["--evaluations", "60", "--front"]);
    assert!(outcome.out.contains("100.00 % of the hypervolume"), "{outcome:#?}");
    // One row is the best and the worst.
    place.put("one.csv", "kernel,metric:accuracy,metric:ms\n3,0.5,1\n");
    let one = [objectives[0], objectives[1], "tabular:one.csv"];
    let one = child::run(place.path(), &[&one[..], &objectives[3..]].concat());
    assert!(one.out.contains("there is no hypervolume of the true front (1 architecture"), "{one:#?}");
    let limited = search(&["--evaluations", "60", "--limit", "ms <= 12", "--json"]);
    let best: serde_json::Value = serde_json::from_str(limited.out.trim()).unwrap();
    assert!(best["metrics"]["ms"].as_f64().unwrap() <= 12.0, "{limited:#?}");
    for (more, said) in [
        (&["--method", "nsga"][..], "nsga2"),
        (&["--limit", "ms <= -5"], "ms"),
        (&["--objective", "max speed"], "speed"),
    ] {
        let outcome = search(more);
        crate::workplace::one_line_error("search", &outcome, &[said]);
    }
    place.put("bad.csv", "kernel,metric:ms\n3,fast\n");
    place.refuse("search --space tabular:bad.csv --objective min", &["expected"]);
    place.refuse("search --space ofa-mbv3 --objective max", &["expected"]);
}

#[test]
fn burns_operations_train_too_and_make_another_run() {
    let place = Workplace::new();
    let line = "train --model lenet-300-100 --data digits --epochs 1 --until 3it";
    let [ours, burns] = ["", " --ops burn"].map(|ops| {
        let said = place.succeed(&format!("{line}{ops}"));
        let weights = said.lines().last().unwrap().to_string();
        let config = weights.replace("weights.safetensors", "config.json");
        (weights, serde_json::from_slice::<serde_json::Value>(&place.read(&config)).unwrap())
    });
    assert_ne!(ours.0, burns.0);
    assert_eq!((ours.1.get("ops"), burns.1["ops"].as_str()), (None, Some("burn")));
    place.refuse(&format!("{line} --ops torch"), &["torch", "expected `kernels` or `burn`"]);
}
