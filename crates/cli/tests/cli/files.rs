//! Files that are not what they should be.

use crate::{
    safetensors::{Entry, file, floats},
    workplace::{NET, Workplace},
};

/// Every command that reads weights.
const READERS: [&str; 6] = [
    "eval --data digits --weights",
    "predict --data digits image.png --weights",
    "prune --sparsity 0.5 --out x --weights",
    "forward --input input.safetensors --out x --weights",
    "describe --weights",
    "train --data digits --out run --weights",
];

#[test]
fn weights_that_cannot_be_read_are_named_with_the_reason() {
    let place = Workplace::with_net();
    let net = place.read(NET);
    place.put("text.safetensors", "not weights");
    place.put("empty.safetensors", "");
    place.put("cut.safetensors", &net[..net.len() / 2]);
    place.put("header.safetensors", &net[..100]);
    place.put("text.pt", "not weights");
    place.put("empty.pth", "");
    place.put("zip.pt", b"PK\x03\x04 and then nothing of use");
    place.put("folder.pt/file", "");
    for (name, expected) in [
        ("text.safetensors", "it is text"),
        ("empty.safetensors", "it is empty"),
        ("cut.safetensors", "not a usable safetensors file"),
        ("header.safetensors", "not a usable safetensors file"),
        ("text.pt", "cannot read weights"),
        ("empty.pth", "cannot read weights"),
        ("zip.pt", "cannot read weights"),
        ("folder.pt", "cannot read weights"),
        ("nowhere.pt", "No such file"),
        ("nowhere.safetensors", "No such file"),
        (".", "cannot read weights"),
    ] {
        for reader in READERS {
            place.refuse(&format!("{reader} {name}"), &[expected, name]);
        }
    }
}

#[test]
fn no_command_writes_over_a_file_that_it_reads() {
    let place = Workplace::with_net();
    place.put("input.safetensors", file(&[("input", "F32", &[1, 1, 8, 8], floats(64, 1.0))]));
    place.put("run/weights.safetensors", place.read(NET));
    place.put("image.png", crate::commands::PNG);
    // An ONNX file that says of a tensor no more than where it lies.
    let beside = b"\x08\x08\x3a\x1a\x2a\x18\x70\x01\x6a\x14\x0a\x08location\x12\x08own.data";
    place.put("own.onnx", beside);
    place.put("own.data", "weights");
    #[cfg(unix)]
    std::os::unix::fs::symlink(NET, place.path().join("link.safetensors")).unwrap();
    for line in [
        "forward --weights net.safetensors --input input.safetensors --out net.safetensors",
        "forward --weights net.safetensors --input input.safetensors --out ./input.safetensors",
        #[cfg(unix)]
        "forward --weights link.safetensors --input input.safetensors --out net.safetensors",
        "prune --weights net.safetensors --sparsity 0.5 --out run/../net.safetensors",
        "prune --weights net.safetensors --criterion snip --data input.safetensors --sparsity 0.5 --out input.safetensors",
        "prune --weights net.safetensors --masks-from run/weights.safetensors --out run/weights.safetensors",
        "score --weights net.safetensors --criterion magnitude --out net.safetensors",
        "supernet extract --weights net.safetensors --data digits --arch min --out net.safetensors",
        "train --weights run/weights.safetensors --data digits --epochs 1 --out run",
        "search --space tabular:image.png --page image.png",
        "export --weights own.onnx --out own.data",
        "prune --weights own.onnx --sparsity 0.5 --out ./own.data",
    ] {
        place.refuse(line, &["would be written over", "another name"]);
    }
    // A file that is not read may be there already, also under the name of what is no file.
    place.put("snip", "");
    let prune = "prune --weights net.safetensors --criterion snip --data digits --sparsity 0.5 --out";
    place.succeed(&format!("{prune} run/weights.safetensors"));
    place.succeed(&format!("{prune} snip"));
}

#[test]
fn weights_of_another_network_are_told_apart() {
    let place = Workplace::with_net();
    let plain = |tensors: &[Entry<'_>]| file(tensors);
    place.put("plain.safetensors", plain(&[("fc1.weight", "F32", &[2, 2], floats(4, 1.0))]));
    place.put(
        "scalars.safetensors",
        plain(&[
            ("fc3.weight", "F32", &[], floats(1, 1.0)),
            ("step0.conv.weight", "F32", &[], floats(1, 1.0)),
        ]),
    );
    place.put("none.safetensors", plain(&[]));
    place.put(
        "mask.safetensors",
        plain(&[
            ("fc1.weight", "F32", &[2, 2], floats(4, 1.0)),
            ("fc1.weight_mask", "BOOL", &[3, 3], vec![1; 9]),
        ]),
    );
    place.put("lost.safetensors", plain(&[("fc9.weight_mask", "BOOL", &[3], vec![1; 3])]));
    place.put("type.safetensors", plain(&[("fc1.weight", "I16", &[1], vec![0; 2])]));
    for reader in READERS.iter().filter(|reader| !reader.starts_with("train")) {
        let check = |rest: &str, expected: &[&str]| place.refuse(&format!("{reader} {rest}"), expected);
        check(&format!("{NET} --model lenet-5"), &["those of `lenet-300-100`, not of `lenet-5`"]);
        // By magnitude weights are pruned of which nobody knows the network.
        if !reader.starts_with("prune") {
            check("plain.safetensors", &["do not say which model", "--model"]);
        }
        check("plain.safetensors --model lenet-500", &["unknown model `lenet-500`", "lenet-5"]);
        check("plain.safetensors --model resnet-110", &["missing", "more", "unexpected fc1.weight", "plain"]);
        for model in ["lenet-300-100", "life-net", "resnet-18"] {
            check(&format!("scalars.safetensors --model {model}"), &["do not fit the network: missing"]);
            check(&format!("none.safetensors --model {model}"), &["do not fit the network: missing"]);
        }
        check("mask.safetensors --model lenet-300-100", &["fc1.weight_mask should be"]);
        check(
            "type.safetensors --model lenet-300-100",
            &["`fc1.weight` is of the type i16", "save it as float32"],
        );
        check("lost.safetensors --model lenet-300-100", &["unexpected fc9.weight_mask"]);
    }
}

#[test]
fn the_message_about_another_networks_weights_stays_short() {
    let place = Workplace::new();
    place.put("plain.safetensors", file(&[("fc1.weight", "F32", &[2, 2], floats(4, 1.0))]));
    let outcome = place.run("eval --weights plain.safetensors --model resnet-110 --data digits");
    assert!(outcome.err.len() < 400, "{outcome:#?}");
}

#[test]
fn an_input_that_the_network_cannot_take_is_refused() {
    let place = Workplace::with_net();
    place.put("text.safetensors", "no tensors");
    place.put("other.safetensors", file(&[("a", "F32", &[1, 1, 8, 8], floats(64, 0.0))]));
    place.put("flat.safetensors", file(&[("input", "F32", &[1, 63], floats(63, 0.0))]));
    place.put("none.safetensors", file(&[("input", "F32", &[0, 1, 8, 8], vec![])]));
    place.put("colour.safetensors", file(&[("input", "F32", &[1, 3, 8, 8], floats(192, 0.0))]));
    for (name, expected) in [
        ("nowhere", "No such file"),
        ("text", "not a usable safetensors file"),
        ("other", "expected a tensor `input` or `x` of shape [N, C, H, W], found a"),
        ("flat", "should be [N, C, H, W] with N examples of 1x8x8, but is [1, 63]"),
        ("none", "with at least one value, but is [0, 1, 8, 8]"),
        ("colour", "`lenet-300-100` does not take 3x8x8 inputs"),
    ] {
        place.refuse(&format!("forward --weights {NET} --input {name}.safetensors --out x"), &[expected]);
    }
}

#[test]
fn an_image_that_is_none_is_refused() {
    let place = Workplace::with_net();
    place.put("text.png", "no image");
    place.put("empty.png", "");
    place.put("cut.png", &crate::commands::PNG[..40]);
    for (name, expected) in [
        ("text.png", "expected PNG"),
        ("empty.png", "found an empty file"),
        ("cut.png", "not a usable image"),
        ("nowhere.png", "No such file"),
    ] {
        place.refuse(&format!("predict --weights {NET} --data digits {name}"), &[expected, name]);
    }
}

#[test]
fn a_data_set_that_is_missing_or_damaged_is_named_with_what_to_do() {
    let place = Workplace::with_net();
    let train = "train --model lenet-300-100 --out run --data";
    place.refuse(&format!("{train} mnist"), &["data set `mnist` is not there", "data get mnist"]);
    place.refuse("data verify cifar10", &["data get cifar10"]);
    place.refuse("data get image-folder", &["a folder of your own"]);
    place.refuse(
        &format!("{train} image-folder --data-root nowhere"),
        &["nowhere/train", "folder of images per class"],
    );

    let idx = |dims: &[u32], values: &[u8]| {
        let dims_bytes: Vec<u8> = dims.iter().flat_map(|n| n.to_be_bytes()).collect();
        [&[0, 0, 8, dims.len() as u8], dims_bytes.as_slice(), values].concat()
    };
    let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let put = |images: &[u8], labels: &[u8]| {
        for (name, bytes) in names.into_iter().zip([images, labels, images, labels]) {
            place.put(&format!("data/mnist/{name}-ubyte"), bytes);
        }
    };
    let (images, labels) = (idx(&[2, 28, 28], &[0; 2 * 784]), idx(&[2], &[3, 7]));
    for (images, labels, expected) in [
        (vec![], labels.clone(), "not a usable IDX file"),
        (images[..100].to_vec(), labels.clone(), "not a usable IDX file"),
        (idx(&[2, 8, 8], &[0; 128]), labels.clone(), "its last dimensions should be [28, 28]"),
        (idx(&[0, 28, 28], &[]), idx(&[0], &[]), "no examples"),
        (images.clone(), idx(&[1], &[3]), "2 examples ask for 2 labels, found 1"),
        (
            images.clone(),
            idx(&[2], &[3, 200]),
            "label 200 of example 1 is out of range: there are 10 classes",
        ),
        (images, labels, "should have 10000 examples but has 2"),
    ] {
        put(&images, &labels);
        place.refuse(&format!("{train} mnist"), &["mnist", expected]);
        place.refuse(&format!("eval --weights {NET} --data mnist"), &["mnist", expected]);
    }
}

#[test]
fn a_source_of_data_that_is_none_leaves_nothing_behind() {
    let place = Workplace::new();
    place.put("data/keep", "");
    place.put("text.tar", "no archive");
    place.put("folder/file", "");
    place.refuse("data get mnist --from text.tar", &["expected a folder, or a .tar"]);
    place.refuse("data get mnist --from folder", &["expected the file train-images-idx3-ubyte"]);
    place.refuse("data get mnist --from nowhere", &["No such file", "nowhere"]);
}
