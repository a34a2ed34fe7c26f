//! ONNX files, as commands take them and write them.

use std::{fs, path::Path};

use sapwood_backend::DeviceSpec;
use sapwood_core::StateFile;

use crate::{
    safetensors::file,
    workplace::{NET, Workplace},
};

#[test]
fn an_export_is_the_network_for_every_command() {
    let place = Workplace::with_net();
    let said = place.succeed(&format!("export --weights {NET} --out net.onnx"));
    assert!(
        said.starts_with("lenet-300-100 at 1x8x8 as ONNX, opset 18") && said.contains("read back and equal"),
        "{said}"
    );
    for command in ["eval --data digits", "describe", "describe --json"] {
        let [ours, theirs] =
            [NET, "net.onnx"].map(|weights| place.succeed(&format!("{command} --weights {weights}")));
        assert_eq!(ours, theirs, "{command}");
    }
    let [ours, theirs] = [NET, "net.onnx"].map(|weights| {
        place.succeed(&format!("prune --weights {weights} --sparsity 0.9 --out pruned.safetensors"));
        place.read("pruned.safetensors")
    });
    assert!(ours == theirs);
    place.succeed("export --weights pruned.safetensors --out sparse.onnx --opset 17");
    let line = "prune --weights sparse.onnx --masks-from-zeros --sparsity 0.9 --out again.safetensors";
    place.succeed(line);
    assert!(place.read("again.safetensors") == ours);
    place.succeed("score --weights sparse.onnx --criterion snip --data digits --out scores.safetensors");
    place.succeed("train --weights sparse.onnx --masks-from-zeros --data digits --epochs 1 --out run");
    let described = place.succeed("describe --weights run/weights.safetensors");
    assert!(described.contains("90.00 % removed"), "{described}");
}

#[test]
fn what_cannot_be_read_or_written_is_one_line() {
    let place = Workplace::with_net();
    place.refuse(
        &format!("export --weights {NET} --out net.onnx --opset 9"),
        &["opset 9 is not written", "17 to 22"],
    );
    place.succeed(&format!("export --weights {NET} --out net.onnx"));
    let bytes = place.read("net.onnx");
    place.put("cut.onnx", &bytes[..1000]);
    place.refuse("describe --weights cut.onnx", &["not a usable ONNX file: it ends too early", "cut.onnx"]);
    place.refuse("export --weights net.onnx --out net.onnx", &["would be written over", "--out"]);
    place.refuse("eval --weights net.onnx --model lenet-5 --data digits", &["those of `lenet-300-100`"]);
    // The size of an example is open, and asked for by its option.
    let (fixed, open) = (b"\x0a\x02\x08\x08\x0a\x02\x08\x08", b"\x0a\x02\x12\0\x0a\x02\x12\0");
    place.put("open.onnx", replaced(&bytes, &fixed[..], &open[..]));
    place.refuse(
        "describe --weights open.onnx",
        &[
            "give the size of an example by `--input-size` in the order of the file, as in 3x224x224, 224x224x3 where channels \
             come last",
            "6x64 for 6 channels of 64 values",
            "open.onnx",
        ],
    );
    place.succeed("describe --weights open.onnx --input-size 1x8x8");
    place.succeed("train --layers-of open.onnx --input-size 1x8x8 --data digits --until 0it --out drawn");
    place.refuse("train --layers-of open.onnx --data digits --out x", &["of 64 values: open.onnx\n"]);
    let masked = "train --layers-of open.onnx --masks-from-zeros --data digits --out x";
    place.refuse(masked, &["neither weights nor classes"]);
    place.refuse(
        "data prune digits --method el2n --keep 50% --weights open.onnx --out x.json",
        &["of 64 values; `prune --sparsity 0` has `--input-size`", "needs none: open.onnx\n"],
    );
    // Other bytes of the same length: an opset, an operation and a type that are not read.
    for (file, from, to, expected) in [
        ("old.onnx", &b"\n\0\x10\x12"[..], &b"\n\0\x10\x05"[..], &["opset 5", "7 to 22"][..]),
        ("loop.onnx", b"\x22\x04Relu", b"\x22\x04Scan", &["Scan (2 nodes: "]),
    ] {
        place.put(file, replaced(&bytes, from, to));
        place.refuse(&format!("describe --weights {file}"), &[expected, &[file]].concat());
    }
    place.put("photo.onnx", b"\x89PNG and so on, which is no network");
    place.refuse("describe --weights photo.onnx", &["photo.onnx"]);
    place.put("x.npy", npy(&[2, 1, 9, 9]));
    place.refuse("forward --weights net.onnx --input x.npy --out y.safetensors", &["64", "81"]);
}

/// The bytes with others wherever these are.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "{from:?} is nowhere");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Zeros as NumPy writes them.
fn npy(shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sizes.join(", "));
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + 4 * shape.iter().product::<usize>(), 0);
    bytes
}

#[test]
fn a_module_of_pytorch_has_the_weights_for_every_command() {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.9 --out pruned.safetensors"));
    let said = place.succeed("export --weights pruned.safetensors --form pytorch --out module");
    assert!(said.contains("as a module of PyTorch") && said.contains("read back and equal"), "{said}");
    let source = String::from_utf8(place.read("module/net.py")).unwrap();
    assert!(source.contains("x = x.flatten(1)\n        x = self.fc1(x)"), "{source}");
    let line = "eval --data digits --weights";
    let ours = place.succeed(&format!("{line} pruned.safetensors"));
    // A state dict says neither the network nor how images become inputs, and has zeros for masks.
    let theirs = place.succeed(&format!("{line} module/net.pt --model lenet-300-100"));
    assert_eq!(ours, theirs);
    place.refuse(
        "export --weights module/net.pt --model lenet-300-100 --form pytorch --out module",
        &["would be written over", "net.pt"],
    );
    // It writes over its own files, and over nobody else's.
    place.succeed("export --weights pruned.safetensors --form pytorch --out module");
    for (folder, file) in [("text", "net.py"), ("weights", "net.pt")] {
        place.put(&format!("{folder}/{file}"), "mine");
        let line = format!("export --weights pruned.safetensors --form pytorch --out {folder}");
        place.refuse(&line, &["no such command has written", "choose another folder", file]);
    }
    place.refuse("export --weights pruned.safetensors --form pytorch --opset 17 --out m", &["--opset"]);
    place.refuse("export --weights pruned.safetensors --form pytorch --out a.pt", &["is a folder"]);
    place.refuse("export --weights pruned.safetensors --out module", &["`--out`", "found a folder"]);
    place.refuse("export --weights pruned.safetensors --form pytorch --out pruned.safetensors", &["`--out`"]);
}

/// Files that ONNX Runtime's quantiser wrote, and the integers that ONNX Runtime gives
/// (`benches/pytorch/check_quantised_onnx.py write`).
#[test]
fn somebodys_integers_are_computed_to_the_last_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/quantised");
    let answers: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("answers.json")).unwrap()).unwrap();
    let numbers = |of: &str| answers[of].as_array().unwrap().iter().map(|x| x.as_f64().unwrap());
    let input: Vec<u8> = numbers("input").flat_map(|x| (x as f32).to_le_bytes()).collect();
    let place = Workplace::new();
    place.put("input.safetensors", file(&[("input", "F32", &[2, 1, 8, 8], input)]));
    let device = DeviceSpec::CPU.resolve().unwrap();
    for name in ["qdq-u8", "qdq-s8", "qoperator-u8", "qoperator-s8"] {
        let bytes = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let opened = sapwood_models::open_bytes(&bytes, name, None, &device).unwrap();
        let grids = opened.integers.unwrap().grids;
        let (_, grid) = grids.last_key_value().unwrap();
        place.put("net.onnx", bytes);
        // Packed as numbers alone it would be another network.
        place.refuse("pack net.onnx --out net.sapwood", &["net.onnx", "integers"]);
        for engine in ["--exact", "--runtime"] {
            place.succeed(&format!(
                "forward --weights net.onnx --input input.safetensors --out y.safetensors {engine}"
            ));
            let logits = &StateFile::from_bytes(&place.read("y.safetensors")).unwrap().state.0["logits"];
            let found: Vec<f64> = logits.iter::<f32>().map(|x| f64::from(grid.nearest(x))).collect();
            assert_eq!(found, numbers(name).collect::<Vec<_>>(), "{name}, {engine}");
        }
    }
}
