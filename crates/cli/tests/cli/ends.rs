//! What an ONNX file says beside its layers, on its way through the commands.

use sapwood_backend::DeviceSpec;
use sapwood_core::{Conv, Dims, Entry, Observed as _, StateFile};
use sapwood_models::OnnxEnds;
use serde_json::json;

use crate::{
    onnx::replaced,
    own_networks::with_layers,
    workplace::{NET, Workplace},
};

/// A folder with `app.onnx`, a network of digits whose file has a softmax at its end and names of its own.
fn app() -> Workplace {
    let images = Entry { name: "images".into(), dims: Dims::images([1, 8, 8]), integers: false };
    let place = with_layers(images, |g, x| {
        let x = g.conv("conv", x, Conv::new(8, 3).same());
        let x = g.relu(x);
        let x = g.max_pool(x, 2, 2, 0);
        let x = g.flatten(x);
        g.linear("fc", x, 10)
    });
    let mut file = StateFile::from_bytes(&place.read(NET)).unwrap();
    file.metadata["onnx"] = json!({
        "outputs": ["probs"], "softmax": true, "channels_last": ["images"], "metadata": { "labels": "zero, one and so on", "license": "MIT" }
    });
    place.put(NET, file.to_bytes().unwrap());
    let said = place.succeed(&format!("export --weights {NET} --out app.onnx"));
    assert!(said.contains("as ONNX, opset 18, with a softmax at its end: "), "{said}");
    place
}

/// What the input of a network in a file is called, and what its ONNX file said.
fn ends(place: &Workplace, file: &str) -> (String, OnnxEnds) {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let opened = sapwood_models::open_bytes(&place.read(file), file, None, &device).unwrap();
    (opened.net.graph().entries()[0].name.clone(), opened.spec.onnx)
}

fn own() -> OnnxEnds {
    let metadata = [("labels", "zero, one and so on"), ("license", "MIT")];
    OnnxEnds {
        outputs: vec!["probs".into()],
        softmax: true,
        channels_last: ["images".to_string()].into(),
        metadata: metadata.map(|(key, value)| (key.to_string(), value.to_string())).into(),
        ..OnnxEnds::default()
    }
}

#[test]
fn an_application_s_network_comes_back_with_the_ends_it_had() {
    let place = app();
    let whole = ("images".to_string(), own());
    assert_eq!(ends(&place, "app.onnx"), whole);
    let [ours, theirs] =
        [NET, "app.onnx"].map(|weights| place.succeed(&format!("eval --data digits --weights {weights}")));
    assert_eq!(ours, theirs);
    // Somebody else's file has such a softmax whether it has a name or not.
    place.put("foreign.onnx", replaced(&place.read("app.onnx"), b"\x12\x07sapwood", b"\x12\x07another"));
    assert_eq!(ends(&place, "foreign.onnx"), whole);

    for (command, made) in [
        ("train --weights app.onnx --data digits --until 0it --out run", "run/weights.safetensors"),
        ("prune --weights app.onnx --sparsity 0.5 --out pruned.safetensors", "pruned.safetensors"),
        ("shrink --weights app.onnx --channels 50% --out small.safetensors", "small.safetensors"),
        ("pack small.safetensors --out small.sapwood", "small.sapwood"),
    ] {
        place.succeed(command);
        place.succeed(&format!("export --weights {made} --out again.onnx"));
        assert_eq!(
            [ends(&place, made), ends(&place, "again.onnx")],
            [whole.clone(), whole.clone()],
            "{made}"
        );
    }
    place.succeed("quantize --weights app.onnx --data digits --force --out q.safetensors");
    for form in ["qdq", "qoperator"] {
        place.succeed(&format!("export --weights q.safetensors --form {form} --out q.onnx"));
        assert_eq!(ends(&place, "q.onnx"), whole, "{form}");
    }
}

#[test]
fn tokens_keep_the_bits_that_an_application_gives_them() {
    let tokens = Entry { name: "tokens".into(), dims: Dims::rows(4), integers: true };
    let place = with_layers(tokens, |g, x| {
        let x = g.embedding("table", x, 30, 5);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    let mut file = StateFile::from_bytes(&place.read(NET)).unwrap();
    file.metadata["onnx"] = json!({ "int32": ["tokens"] });
    place.put(NET, file.to_bytes().unwrap());
    let narrow = OnnxEnds { int32: ["tokens".to_string()].into(), ..OnnxEnds::default() };
    let whole = ("tokens".to_string(), narrow);
    place.succeed(&format!("export --weights {NET} --out app.onnx"));
    place.succeed("pack app.onnx --out app.sapwood");
    place.succeed("export --weights app.sapwood --out again.onnx");
    for file in ["app.onnx", "app.sapwood", "again.onnx"] {
        assert_eq!(ends(&place, file), whole, "{file}");
    }
}

#[test]
fn what_compress_leaves_runs_where_the_network_ran() {
    let place = app();
    place.succeed(
        "compress --weights app.onnx --data digits --epochs 1 --step 50% --macs 40% --drop 100 --out small",
    );
    for file in ["net.safetensors", "net.onnx", "net-int8.safetensors", "net-int8.onnx"] {
        assert_eq!(ends(&place, &format!("small/{file}")), ("images".to_string(), own()), "{file}");
    }
}

#[test]
fn a_network_for_other_classes_says_nothing_of_the_old_ones() {
    let place = app();
    place.succeed("train --weights app.onnx --new-head --data digits --until 0it --out run");
    place.succeed("export --weights run/weights.safetensors --out other.onnx");
    let bare = own().of_others();
    assert_eq!(ends(&place, "other.onnx"), ("images".to_string(), bare));
}

#[test]
fn a_file_may_end_before_the_softmax() {
    let place = app();
    let said = place.succeed("export --weights app.onnx --logits --out logits.onnx");
    assert!(!said.contains("softmax"), "{said}");
    let (input, found) = ends(&place, "logits.onnx");
    assert_eq!((input.as_str(), found), ("images", OnnxEnds { softmax: false, ..own() }));
    // Behind the note on its channels.
    let outcome = place.run("export --weights logits.onnx --logits --out x");
    assert!(outcome.code == Some(2) && outcome.err.contains("this one has none"), "{outcome:#?}");
    assert!(!place.has("x"));
    for (line, expected) in [
        ("--weights app.onnx --logits --form pytorch", "`--logits` belongs to ONNX"),
        ("--weights app.onnx --half --form pytorch", "`--half` belongs to `--form onnx`"),
        ("--weights app.onnx --half --form qdq", "`--half` belongs to `--form onnx`"),
    ] {
        place.refuse(&format!("export {line} --out x"), &[expected]);
    }
}

#[test]
fn weights_of_sixteen_bits_are_read_back_as_they_were_rounded() {
    let place = Workplace::with_net();
    place.succeed(&format!("export --weights {NET} --out wide.onnx"));
    let said = place.succeed(&format!("export --weights {NET} --half --out narrow.onnx"));
    assert!(
        said.contains("opset 18, weights in 16 bits: ") && said.contains("read back and equal"),
        "{said}"
    );
    let [narrow, wide] = ["narrow.onnx", "wide.onnx"].map(|file| place.read(file).len());
    assert!(10 * narrow < 7 * wide, "{narrow} of {wide} bytes");
    // What was rounded once is rounded by no other time.
    place.succeed("export --weights narrow.onnx --half --out again.onnx");
    assert!(place.read("again.onnx") == place.read("narrow.onnx"));
    let top1 = |file: &str| {
        let said = place.succeed(&format!("eval --data digits --weights {file}"));
        let share = said.split("top-1 ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_string);
        share.and_then(|share| share.parse::<f64>().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    assert!((top1("narrow.onnx") - top1("wide.onnx")).abs() < 1.0);
}
