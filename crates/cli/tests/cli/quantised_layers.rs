//! Which scales and which rounding the layers of a network get, and what is told of those that do not get what was
//! asked for.

use sapwood_core::{
    Array, Conv, Dims, Entry, Shape, StateFile,
    graph::{Activation, GraphBuilder, Per, Wire},
};
use serde_json::Value;

use crate::{
    own_networks::with_layers,
    safetensors::file,
    workplace::{NET, Workplace},
};

const QUANTIZE: &str = "quantize --weights net.safetensors --data c.safetensors --force --out q.safetensors";

/// A folder with `net.safetensors`, of these layers behind images, and with `c.safetensors`: 32 of these.
fn place(shape: Shape, layers: impl Fn(&mut GraphBuilder, Wire) -> Wire) -> Workplace {
    let place =
        with_layers(Entry { name: "input".into(), dims: Dims::images(shape), integers: false }, layers);
    let [c, h, w] = shape;
    let number = |at: usize| ((at * 37 % 101) as f32 / 100.0).to_le_bytes();
    let images = (0..32 * c * h * w).flat_map(number).collect();
    place.put("c.safetensors", file(&[("input", "F32", &[32, c, h, w], images)]));
    place
}

/// What is noted, and what is written.
fn quantised(place: &Workplace, more: &str) -> (String, StateFile) {
    let outcome = place.run(&format!("{QUANTIZE} {more}"));
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    (outcome.err, StateFile::from_bytes(&place.read("q.safetensors")).unwrap())
}

#[test]
fn a_method_reaches_sequences_and_places_and_what_it_cannot_reach_is_told() {
    let place = place([2, 1, 8], |g, x| {
        let x = g.reshape(x, Dims::batch_of(&[2, 8]).unwrap());
        let x = g.conv("along", x, Conv::new(8, [1, 3]));
        let x = g.relu(x);
        let x = g.conv("back", x, Conv::new(6, [1, 2]).transposed([0, 0]));
        let x = g.relu(x);
        let x = g.linear_at_places("places", x, 8);
        let x = g.relu(x);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    let integers = |file: &StateFile, layer: &str| {
        file.quantized[format!("{layer}.weight").as_str()].values().iter::<i64>().collect::<Vec<_>>()
    };
    let (said, nearest) = quantised(&place, "--weights-bits 3");
    assert!(!said.contains("nearest integers") && !said.contains("bias correction"), "{said}");
    for method in ["gptq", "adaround"] {
        let (said, found) = quantised(&place, &format!("--weights-bits 3 --method {method} --correct-bias"));
        for layer in ["along", "places", "fc"] {
            assert_ne!(integers(&found, layer), integers(&nearest, layer), "{method} {layer}");
            assert_ne!(
                found.state.0[format!("{layer}.bias").as_str()],
                nearest.state.0[format!("{layer}.bias").as_str()],
                "{method} {layer}"
            );
        }
        assert_eq!(integers(&found, "back"), integers(&nearest, "back"), "{method}");
        let rounding =
            format!("note: {method} cannot round these layers, so they have the nearest integers: `back`");
        let bias = "note: bias correction does not reach these layers: `back`";
        assert!(
            [rounding.as_str(), bias].iter().all(|note| said.lines().any(|line| line == *note)),
            "{said}"
        );
    }
}

#[test]
fn scales_of_a_transposed_convolution_are_those_of_its_outputs() {
    let up = |groups: usize| {
        place([2, 2, 3], move |g, x| {
            let x = g.conv("up", x, Conv::new(4, 2).stride(2).groups(groups).transposed(0));
            let x = g.relu(x);
            let x = g.flatten(x);
            g.linear("fc", x, 3)
        })
    };
    // With as many groups as inputs, those of each input.
    for (groups, axis, shape) in [(1, 1, [2, 4, 2, 2]), (2, 0, [2, 2, 2, 2])] {
        let place = up(groups);
        let (_, found) = quantised(&place, "--weights-bits 4");
        let weight = &found.quantized["up.weight"];
        assert_eq!(
            (weight.per(), weight.shape(), weight.scale().shape()),
            (Per::Axis(axis), &shape[..], &[shape[axis]][..])
        );
        for form in ["qdq", "qoperator"] {
            let said = place.succeed(&format!("export --form {form} --weights q.safetensors --out q.onnx"));
            // Integers of 4 bits are bytes before opset 21, so not all is as it was.
            assert!(said.ends_with(" bytes, read back with the same answers to drawn inputs\n"), "{said}");
        }
    }
}

#[test]
fn groups_of_more_inputs_than_there_are_are_a_scale_for_each_channel() {
    let place = place([3, 4, 4], |g, x| {
        let x = g.conv("stem", x, Conv::new(8, 3).same());
        let x = g.relu(x);
        let x = g.conv("depthwise", x, Conv::new(8, 3).same().groups(8));
        let x = g.relu(x);
        let x = g.conv("pointwise", x, Conv::new(6, 1));
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    let (_, found) = quantised(&place, "--per group:4");
    let per = |layer: &str| found.quantized[format!("{layer}.weight").as_str()].per();
    let groups = Per::Group { axis: 1, size: 4 };
    assert_eq!(
        ["stem", "depthwise", "pointwise", "fc"].map(per),
        [Per::Axis(0), Per::Axis(0), groups, groups]
    );
}

#[test]
fn a_layer_that_loses_nothing_has_no_ratio_in_json() {
    let place = place([1, 2, 3], |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    // Weights and images lie on grids whose step is 1.
    let mut net = StateFile::from_bytes(&place.read("net.safetensors")).unwrap();
    let weight = |at: usize| [127.0f32, -40.0, 3.0, 90.0, -127.0, 11.0][at % 6];
    net.state.0.insert("fc.weight".into(), Array::from_fn([3, 6], weight));
    place.put("net.safetensors", net.to_bytes().unwrap());
    let images = [0.0f32, 17.0, 255.0, 90.0, 4.0, 201.0].map(f32::to_le_bytes).concat();
    place.put("c.safetensors", file(&[("input", "F32", &[1, 1, 2, 3], images)]));
    let found: Value = serde_json::from_str(&place.succeed(&format!("{QUANTIZE} --json"))).unwrap();
    let layer = found["layers"][0].as_object().unwrap();
    assert!(layer["loss"] == 0.0 && !layer.contains_key("signal_to_noise"), "{found}");
}

#[test]
fn equalised_pairs_are_counted_and_a_network_without_any_is_refused() {
    let clipped = place([1, 2, 3], |g, x| {
        let x = g.conv("conv", x, Conv::new(4, 1));
        let x = g.activation(x, Activation::Relu6);
        let x = g.flatten(x);
        g.linear("fc", x, 3)
    });
    clipped.refuse(
        &format!("{QUANTIZE} --equalise --absorb"),
        &["`--equalise` finds no two layers", "a ReLU6 does not count"],
    );
    let place = Workplace::with_net();
    let line = format!("quantize --weights {NET} --data digits --calibrate 64 --force --equalise --out q");
    let said = place.succeed(&line);
    assert!(said.contains("channels between layers have equal ranges, of 2 pairs"), "{said}");
}

#[test]
fn a_budget_is_one_of_all_weights_with_their_scales() {
    let place = Workplace::with_net();
    let line = |budget: &str| {
        format!(
            "quantize --weights {NET} --data digits --calibrate 64 --force --out q.safetensors --mixed --budget \
             {budget} --except fc1 --layer-bits fc3=8"
        )
    };
    // 64 x 30 numbers, 30 x 10 integers and 10 x 10 integers; of the integers 10 scales each.
    place.refuse(&line("7kB"), &["the fewest bits take 7935"]);
    let said = place.succeed(&line("8kB"));
    let expected = "weights with their scales take 7,935 bytes, and 62,840 bit operations for an example";
    assert!(said.contains(expected), "{said}");
    // A script is told the same.
    let found: Value = serde_json::from_str(&place.succeed(&format!("{} --json", line("8kB")))).unwrap();
    let mixed = &found["mixed"];
    assert_eq!((&mixed["bytes"], &mixed["bit_operations"]), (&7935.into(), &62840.into()));
    assert_eq!(mixed["kendall_tau"].is_number(), said.contains("Kendall's tau"), "{said}{found}");
    let [fc2] = mixed["layers"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!((&fc2["layer"], &fc2["bits"]), (&"fc2".into(), &2.into()));
    let bits = fc2["costs"].as_array().unwrap().iter().map(|cost| cost["bits"].as_u64().unwrap());
    assert_eq!(bits.collect::<Vec<_>>(), [8, 4, 2]);
    let file = StateFile::from_bytes(&place.read("q.safetensors")).unwrap();
    let integers = file.quantized.values().map(|weight| {
        let bits = weight.values().len() * weight.dtype().bits();
        bits.div_ceil(8) + 4 * weight.scale().len()
    });
    assert_eq!(integers.sum::<usize>() + 4 * file.state.0["fc1.weight"].len(), 7935);
}
