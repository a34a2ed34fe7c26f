//! What `predict` says of images, as text and as JSON.

use sapwood_core::{
    Entry, Reduction,
    graph::{GraphBuilder, Wire},
};
use serde_json::Value;

use crate::{
    commands::PNG,
    own_networks::with_layers,
    workplace::{NET, Workplace},
};

#[test]
fn as_many_classes_are_told_as_are_asked_for_also_in_json() {
    let place = Workplace::with_net();
    place.put("image.png", PNG);
    let predict = |more: &str| {
        place.succeed(&format!("predict --weights {NET} --data digits {more} image.png image.png"))
    };
    assert!(predict("").lines().all(|line| line.matches('%').count() == 3));
    assert!(predict("--top 1").lines().all(|line| line.matches('%').count() == 1));
    let said = predict("--top 99 --json");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert_eq!(lines[0], lines[1]);
    assert_eq!(lines[0]["image"], "image.png");
    let classes = lines[0]["classes"].as_array().unwrap();
    let probabilities: Vec<f64> =
        classes.iter().map(|class| class["probability"].as_f64().unwrap()).collect();
    assert!(probabilities.is_sorted_by(|a, b| a >= b), "{said}");
    let sum: f64 = probabilities.iter().sum();
    assert!(classes.len() == 10 && (sum - 1.0).abs() < 1e-5, "{said}");
    for class in classes {
        assert_eq!(class["name"], class["class"].to_string(), "{said}");
    }
    place.refuse(
        &format!("predict --weights {NET} --data digits --top 0 image.png"),
        &["expected a number from 1 on"],
    );
}

#[test]
fn an_image_that_cannot_be_read_does_not_end_the_json_of_the_others() {
    let place = Workplace::with_net();
    place.put("image.png", PNG);
    place.put("bad.png", b"no image");
    let outcome = place.run(&format!("predict --weights {NET} --data digits --json bad.png image.png"));
    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(answer["classes"].as_array().map(Vec::len), Some(3), "{outcome:#?}");
}

#[test]
fn images_whose_values_would_come_in_another_order_are_refused() {
    let last = |layers: fn(&mut GraphBuilder, Wire) -> Wire| {
        let place = with_layers(Entry::images([8, 6, 3]), |g, x| {
            let x = layers(g, x);
            let x = g.flatten(x);
            g.linear("fc", x, 3)
        });
        place.put("image.png", PNG);
        place.put("names.txt", "a\nb\nc\n");
        place
    };
    let how = "--preprocess x/255 --class-names names.txt --image 3x8x6";
    let predict = format!("predict --weights net.safetensors {how} image.png");
    // Where all values are read in their order, the layer that reads them says so.
    last(|_, x| x).refuse(&predict, &["`own` does not take 3x8x6 inputs", "in their order"]);
    let mean = last(|g, x| g.reduce(x, Reduction::Mean, &[1, 2, 3], true));
    mean.refuse(&predict, &["the images are 3x8x6, and the network takes 8x6x3", "channels last"]);
}
