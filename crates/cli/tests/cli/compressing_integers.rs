//! What becomes of the integers of `compress`.

use sapwood_core::{Entry, StateFile};
use serde_json::Value;

use crate::{
    compressing::{COMPRESS, convolutional, integers},
    own_networks::with_layers,
    workplace::Workplace,
};

/// Limits within which a network lies as it comes: no step is taken.
const AT_ONCE: &str = "--milliseconds 1000 --drop 5";

/// The numbers of a parameter.
fn numbers<'a>(file: &'a mut StateFile, path: &str) -> &'a mut [f32] {
    file.state.0.get_mut(path).unwrap().as_mut_slice().unwrap()
}

/// A network in which the first channel of a convolution is this large whatever the image. The layer behind it does not look
/// at that, but between such bounds 8 bits tell no other values apart.
fn with_an_outlier(conv: &str, behind: &str, outlier: f32) -> Workplace {
    let place = convolutional();
    let mut file = StateFile::from_bytes(&place.read("conv.safetensors")).unwrap();
    let [weights, bias, read] =
        [(conv, "weight"), (conv, "bias"), (behind, "weight")].map(|(layer, of)| format!("{layer}.{of}"));
    let channels = numbers(&mut file, &bias).len();
    numbers(&mut file, &bias)[0] = outlier;
    let made = numbers(&mut file, &weights);
    let each = made.len() / channels;
    made[..each].fill(0.0);
    let outputs = file.state.0[read.as_str()].shape()[0];
    let read = numbers(&mut file, &read);
    let inputs = read.len() / outputs;
    read.chunks_mut(inputs).for_each(|inputs_of_one| inputs_of_one[..inputs / channels].fill(0.0));
    place.put("conv.safetensors", file.to_bytes().unwrap());
    place
}

#[test]
fn integers_that_take_longer_are_written_but_are_no_result_where_a_time_is_asked_for() {
    let place = convolutional();
    let line = format!("{COMPRESS} --weights conv.safetensors {AT_ONCE} --json --out small");
    let json: Value = serde_json::from_str(&place.succeed(&line)).unwrap();
    let [float, int8] = [0, 1].map(|at| &json["networks"][at]);
    assert_eq!((&float["network"], &int8["network"]), (&"as it came".into(), &"in int8".into()), "{json}");
    let times = int8["milliseconds"].as_f64().unwrap() / float["milliseconds"].as_f64().unwrap();
    // Which it is depends on the machine.
    let (result, file) = match times < 1.005 {
        true => ("in int8", "net-int8.safetensors"),
        false => ("as it came", "net.safetensors"),
    };
    assert_eq!((&json["result"], &json["result_file"]), (&result.into(), &file.into()), "{json}");
    assert_eq!(int8["verdict"], if times < 1.005 { "taken" } else { "slower" }, "{json}");
    assert_eq!(int8.get("times_as_long").is_some(), 1.005 <= times, "{json}");
    let files = json["files"].as_array().unwrap();
    assert!(files.contains(&"small/net-int8.safetensors".into()) && files.len() == 5, "{json}");
    let right = int8["test"].as_f64().unwrap();
    let [low, high] = [0, 1].map(|at| int8["test_interval"][at].as_f64().unwrap());
    assert!(low <= right && right <= high && low < high, "{json}");
    assert!(json["milliseconds"] == 1000.0 && json.get("macs").is_none(), "{json}");
    let bytes = place.read("small/net-int8.safetensors").len();
    assert_eq!(int8["bytes"], bytes, "{json}");
}

#[test]
fn integers_are_the_result_where_no_time_is_asked_for_and_are_called_slower_where_they_are() {
    let place = convolutional();
    let line =
        "compress --data digits --epochs 1 --weights conv.safetensors --drop 100 --macs 5% --out small";
    let said = place.succeed(line);
    let row = said.lines().find(|line| line.starts_with("in int8")).unwrap();
    let summary = said.lines().find(|line| line.contains("of the multiply-accumulates gone")).unwrap();
    let bytes = row.split_whitespace().last().unwrap();
    assert!(summary.contains(&format!(" to {bytes} bytes")), "{said}");
    let is_slower = row.starts_with("in int8, smaller, not faster");
    assert_eq!(is_slower, summary.contains("times as long as net.safetensors"), "{said}");
}

#[test]
fn layers_that_cost_most_stay_in_floating_point_where_all_integers_lose_too_much() {
    let place = with_an_outlier("conv1", "conv2", 1e6);
    let said = place.run(&format!("{COMPRESS} --weights conv.safetensors {AT_ONCE} --out small"));
    assert_eq!(said.code, Some(0), "{said:?}");
    for way in ["int8, nearest: ", "int8, gptq: "] {
        let line = said.err.lines().find(|line| line.starts_with(way));
        assert!(line.is_none_or(|line| line.ends_with("not enough")), "{said:?}");
    }
    assert!(said.out.contains("in int8 except `conv2`"), "{said:?}");
    let cells = integers(&said.out);
    let file = StateFile::from_bytes(&place.read("small/net-int8.safetensors")).unwrap();
    let is_float = |layer: &str| file.state.0.contains_key(format!("{layer}.weight").as_str());
    assert!(is_float("conv2") && !["conv1", "fc1", "fc2", "fc3"].into_iter().any(is_float), "{said:?}");
    // What the file means is what was said.
    let json = place.succeed("eval --weights small/net-int8.safetensors --data digits --json");
    let json: Value = serde_json::from_str(&json).unwrap();
    let halves = [2, 3].map(|at| cells[at].split(" ±").next().unwrap().parse::<f64>().unwrap());
    let all = 100.0 * json["top1"].as_f64().unwrap();
    assert!((all - (halves[0] + halves[1]) / 2.0).abs() < 0.02, "{said:?}");
    let page = String::from_utf8(place.read("small/report.html")).unwrap();
    assert!(page.contains("in floating point beside int8"), "{page}");
}

#[test]
fn no_integers_are_written_where_most_weights_would_have_to_stay_in_floating_point() {
    // `fc1` has more than half of the weights.
    let place = with_an_outlier("conv2", "fc1", 1e6);
    let said = place.run(&format!("{COMPRESS} --weights conv.safetensors {AT_ONCE} --out small"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("in int8, not taken"), "{said:?}");
    assert!(said.err.contains("up to half of the weights"), "{said:?}");
    assert!(place.has("small/net.safetensors") && !place.has("small/net-int8.safetensors"), "{said:?}");
}

#[test]
fn layers_go_back_to_floating_point_also_where_gptq_rounds_none() {
    // Its square is more than 32 bits hold, and second derivatives are sums of squares.
    let place = with_an_outlier("conv1", "conv2", 1e20);
    let said = place.run(&format!("{COMPRESS} --weights conv.safetensors {AT_ONCE} --out small"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = "note: int8, gptq: layer `conv2`: second derivatives have no inverse";
    assert!(said.err.contains(told) && !said.err.contains("no integers"), "{said:?}");
    assert!(said.out.contains("in int8 except `conv2`"), "{said:?}");
    assert!(place.has("small/net-int8.safetensors"), "{said:?}");
}

#[test]
fn a_layer_that_has_all_weights_does_not_go_back_to_floating_point() {
    let place = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        g.linear("fc", x, 10)
    });
    place.succeed("train --weights net.safetensors --data digits --epochs 4 --lr 0.1 --out run");
    let mut file = StateFile::from_bytes(&place.read("run/weights.safetensors")).unwrap();
    // The first pixel is 0 in all images, so its weights say nothing; beside them 8 bits round all others to 0.
    numbers(&mut file, "fc.weight").chunks_mut(64).for_each(|of_one| of_one[0] = 1e4);
    place.put("linear.safetensors", file.to_bytes().unwrap());
    let said = place.run(&format!("{COMPRESS} --weights linear.safetensors {AT_ONCE} --out small"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("in int8, not taken"), "{said:?}");
    let told = "note: no integers: too much is lost, and every layer has more than half of the weights";
    assert!(said.err.contains(told) && !place.has("small/net-int8.safetensors"), "{said:?}");
}
