//! Networks that classify no images: tokens, single numbers, probabilities; and files that fit them badly.

use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{
    Binary, Conv, Dims, Entry, Graph, Layout, Masks, ModuleState as _, Role, State, StateFile,
    graph::{Activation, GraphBuilder, Wire},
    map,
};
use sapwood_models::{Init, Spec, pack};

use crate::{
    safetensors::{file, floats},
    workplace::Workplace,
};

/// A folder with `net.safetensors`: these layers, of which all constants are a tenth.
pub(crate) fn with_layers(input: Entry, layers: impl Fn(&mut GraphBuilder, Wire) -> Wire) -> Workplace {
    let mut g = Graph::builder_of(vec![input]);
    let x = g.input();
    let end = layers(&mut g, x);
    let spec = Spec::of_layers("own", g.finish_with(&[end]).unwrap()).unwrap();
    let net = spec.net(&DeviceSpec::CPU.resolve().unwrap()).unwrap();
    let net = map(Init::default().apply(net, Seed(3)), Layout::Torch, |info, value| match info.role {
        Role::Buffer => value + 0.1,
        _ => value,
    });
    let state = block_on(State::read(&net)).unwrap();
    let place = Workplace::new();
    place.put("net.safetensors", pack(&spec, None, state, Masks::new()).unwrap().to_bytes().unwrap());
    place
}

fn images() -> Entry {
    Entry { name: "input".into(), dims: Dims::images([1, 2, 3]), integers: false }
}

fn tokens() -> Workplace {
    let entry = Entry { name: "tokens".into(), dims: Dims::rows(4), integers: true };
    with_layers(entry, |g, x| {
        let x = g.embedding("table", x, 30, 5);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    })
}

fn whole(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn outputs(place: &Workplace, file: &str) -> Vec<(String, Vec<f64>)> {
    let state = StateFile::from_bytes(&place.read(file)).unwrap().state;
    state.0.iter().map(|(path, value)| (path.to_string(), value.iter().collect())).collect()
}

#[test]
fn new_weights_for_the_layers_of_a_file_leave_its_constants() {
    let place = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        let tenth = g.constant("tenth", &[], false);
        let x = g.binary(x, tenth, Binary::Mul);
        g.linear("fc", x, 10)
    });
    let line = "train --layers-of net.safetensors --data digits --until 0it --out run";
    place.succeed(line);
    let [given, drawn] = ["net.safetensors", "run/weights.safetensors"].map(|file| outputs(&place, file));
    for ((path, before), (_, after)) in given.iter().zip(&drawn) {
        assert_eq!(before == after, path == "tenth", "{path}");
    }
    // What the file says decides, so that of another file is another run.
    let mut other = StateFile::from_bytes(&place.read("run/weights.safetensors")).unwrap();
    other.metadata.as_object_mut().unwrap().remove("trained_on").unwrap();
    place.put("net.safetensors", other.to_bytes().unwrap());
    place.refuse(line, &["holds another run, whose redrawn.layers_of"]);
}

#[test]
fn outputs_that_are_probabilities_are_told_of_and_go_with_the_old_head() {
    let place = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        let x = g.linear("fc", x, 10);
        g.activation(x, Activation::Sigmoid)
    });
    for (more, is_told) in [("", true), ("--new-head", false)] {
        let line =
            format!("train --weights net.safetensors --data digits --until 0it {more} --out run{more}");
        let said = place.run(&line);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(said.err.contains("ends with `sigmoid`"), is_told, "{said:?}");
    }
    let drawn = place.run("train --layers-of net.safetensors --data digits --until 0it --out drawn");
    assert!(drawn.err.contains("note: the network ends with `sigmoid`"), "{drawn:?}");
    // What is refused is not told of before.
    place.refuse(
        "train --weights net.safetensors --data digits --epochs 1 --keep 9ep --out x",
        &["weights of 9ep"],
    );
}

#[test]
fn tokens_beyond_the_table_are_one_line() {
    let place = tokens();
    place.put("x.safetensors", file(&[("tokens", "I64", &[2, 4], whole(&[0, 1, 2, 29, 5, 6, 7, 8]))]));
    place.succeed("forward --weights net.safetensors --input x.safetensors --out y.safetensors");
    let labels = || whole(&[0, 2]);
    for wrong in [30, -1, 1 << 40] {
        let tokens = || whole(&[0, 1, wrong, 29, 5, 6, 7, 8]);
        place.put("x.safetensors", file(&[("tokens", "I64", &[2, 4], tokens())]));
        let expected = ["whole numbers from 0 to 29", &format!("value 2 is {wrong}")];
        place.refuse("forward --weights net.safetensors --input x.safetensors --out z", &expected);
        place.put(
            "xy.safetensors",
            file(&[("images", "I64", &[2, 4], tokens()), ("labels", "I64", &[2], labels())]),
        );
        place.refuse("eval --weights net.safetensors --data xy.safetensors", &expected);
        place.refuse("quantize --weights net.safetensors --data xy.safetensors --out q", &expected);
    }
    let halves: Vec<u8> = [0.0f32, 3.5, 1.0, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    place.put(
        "xy.safetensors",
        file(&[("images", "F32", &[1, 4], halves), ("labels", "I64", &[1], whole(&[0]))]),
    );
    place.refuse("eval --weights net.safetensors --data xy.safetensors", &["value 1 is 3.5"]);
    let tokens = ("images", "I64", &[1, 4][..], whole(&[0, 1, 2, 29]));
    place.put("xy.safetensors", file(&[tokens, ("labels", "I64", &[1], whole(&[0]))]));
    place.refuse(
        "eval --weights net.safetensors --data xy.safetensors --runtime",
        &["found integers in `tokens`", "leave `--exact` and `--runtime` out"],
    );
}

#[test]
fn a_network_of_integers_takes_tokens_too() {
    let place = tokens();
    let some = whole(&[0, 1, 2, 29, 5, 6, 7, 8]);
    place.put("x.safetensors", file(&[("tokens", "I64", &[2, 4], some.clone())]));
    place.put("c.safetensors", file(&[("input", "I64", &[2, 4], some)]));
    place.succeed("forward --weights net.safetensors --input x.safetensors --out y.safetensors");
    place.succeed("quantize --weights net.safetensors --data c.safetensors --force --out q.safetensors");
    // Under the same name and type.
    place.succeed("forward --weights q.safetensors --input x.safetensors --out z.safetensors");
    place.refuse(
        "forward --weights q.safetensors --input c.safetensors --out w.safetensors",
        &["expected a tensor `tokens` of shape [n, 4], found input"],
    );
    place.refuse(
        "forward --weights q.safetensors --input x.safetensors --out w.safetensors --runtime",
        &["found integers in `tokens`", "leave `--exact` and `--runtime` out"],
    );
    let (numbers, integers) = (outputs(&place, "y.safetensors"), outputs(&place, "z.safetensors"));
    let size = numbers[0].1.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (a, b) in numbers[0].1.iter().zip(&integers[0].1) {
        assert!((a - b).abs() < 0.02 * size, "{a} {b}");
    }
}

#[test]
fn outputs_have_the_dimensions_that_the_network_gives() {
    let place = with_layers(images(), |g, x| g.conv("conv", x, Conv::new(4, 1)));
    place.put("x.safetensors", file(&[("input", "F32", &[2, 1, 2, 3], floats(12, 0.5))]));
    for engine in ["", "--runtime"] {
        place.succeed(&format!(
            "forward --weights net.safetensors --input x.safetensors {engine} --out y.safetensors"
        ));
        let state = StateFile::from_bytes(&place.read("y.safetensors")).unwrap().state;
        assert_eq!(state.0["logits"].shape(), [2, 4, 2, 3], "{engine}");
    }
}

#[test]
fn a_single_number_is_no_class_and_a_sigmoid_gives_probabilities() {
    let input = || file(&[("input", "F32", &[1, 1, 2, 3], floats(6, 0.5))]);
    let one = with_layers(images(), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 1)
    });
    one.put("x.safetensors", input());
    one.succeed("forward --weights net.safetensors --input x.safetensors --out y.safetensors");
    let names: Vec<String> = outputs(&one, "y.safetensors").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["logits"]);
    one.put("x.png", crate::own_images::RED);
    let refused = ["gives no classes", "`forward`"];
    one.refuse("predict --weights net.safetensors --preprocess x/255 x.png", &refused);
    // Nothing agrees by having one output: what counts is how near the number is.
    one.put("c.safetensors", file(&[("input", "F32", &[1, 1, 2, 3], floats(6, 0.5))]));
    let said =
        one.succeed("quantize --weights net.safetensors --data c.safetensors --force --out q.safetensors");
    assert!(said.contains("of the power of the float network's outputs"), "{said}");

    let each = with_layers(images(), |g, x| {
        let x = g.flatten(x);
        let x = g.linear("fc", x, 3);
        g.activation(x, Activation::Sigmoid)
    });
    each.put("x.safetensors", input());
    each.succeed("forward --weights net.safetensors --input x.safetensors --out y.safetensors");
    let found = outputs(&each, "y.safetensors");
    assert_eq!((&*found[0].0, &*found[1].0, &found[0].1), ("logits", "probabilities", &found[1].1));
}

#[test]
fn targets_that_are_none_and_images_of_whole_numbers_are_one_line() {
    let place = with_layers(images(), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    let labelled = |labels: (&[usize], f32)| {
        let labels = ("labels", "F32", labels.0, floats(labels.0.iter().product(), labels.1));
        file(&[("images", "F32", &[2, 1, 2, 3], floats(12, 0.5)), labels])
    };
    place.put("xy.safetensors", labelled((&[2, 3], 7.5)));
    let line = "eval --weights net.safetensors --data xy.safetensors";
    place.refuse(line, &["targets from 0 to 1", "7.5", "whole numbers (i64)"]);
    place.put("xy.safetensors", labelled((&[2], 1.0)));
    place.refuse(line, &["there are 1 target values for 3 outputs", "whole numbers (i64)"]);
}

#[test]
fn signed_values_beyond_their_bounds_are_the_same_in_the_export() {
    let place = with_layers(images(), |g, x| {
        let x = g.flatten(x);
        let x = g.linear("fc1", x, 7);
        g.linear("fc2", x, 3)
    });
    place.put("c.safetensors", file(&[("input", "F32", &[1, 1, 2, 3], floats(6, 0.5))]));
    let line = "quantize --weights net.safetensors --data c.safetensors --activations s8 --force --out q.safetensors";
    place.succeed(line);
    place.succeed("export --weights q.safetensors --form qdq --out q.onnx");
    // Far below what was seen: -128 in ONNX, and here.
    place.put("x.safetensors", file(&[("input", "F32", &[1, 1, 2, 3], floats(6, -9.0))]));
    for engine in ["--runtime", "--exact"] {
        let of = |weights: &str| {
            place.succeed(&format!(
                "forward --weights {weights} --input x.safetensors {engine} --out y.safetensors"
            ));
            outputs(&place, "y.safetensors")
        };
        assert_eq!(of("q.safetensors"), of("q.onnx"), "{engine}");
    }
}
