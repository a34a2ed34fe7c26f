//! How `compress` takes its steps.

use sapwood_core::{Entry, StateFile, graph::Activation};

use crate::{
    compressing::{COMPRESS, convolutional},
    own_networks::with_layers,
    workplace::Workplace,
};

/// How many steps a folder has the trainings of.
fn steps(place: &Workplace, folder: &str) -> usize {
    let folder = format!("{folder}/steps");
    place.names().iter().filter(|path| path.starts_with(&folder) && path.ends_with("record.json")).count()
}

/// The outputs of each layer of a file.
fn widths(place: &Workplace, file: &str) -> Vec<usize> {
    let state = StateFile::from_bytes(&place.read(file)).unwrap().state;
    let layers = ["conv1", "conv2", "fc1", "fc2"];
    layers.map(|layer| state.0[format!("{layer}.weight").as_str()].shape()[0]).to_vec()
}

#[test]
fn channels_that_stay_are_a_multiple_where_there_are_as_many() {
    let place = convolutional();
    let line = format!("{COMPRESS} --weights conv.safetensors --drop 100 --macs 30% --no-integers");
    let before = widths(&place, "conv.safetensors");
    place.succeed(&format!("{line} --round-to 4 --out fours"));
    let fours = widths(&place, "fours/net.safetensors");
    assert!(fours != before && fours.iter().zip(&before).all(|(now, then)| now % 4 == 0 || now == then));
    // A register has more numbers than any layer channels: all keep theirs.
    let whole = place.run(&format!("{line} --round-to 4096 --out whole"));
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(widths(&place, "whole/net.safetensors"), before, "{whole:?}");
}

#[test]
fn a_step_is_another_only_where_what_is_asked_for_makes_it_so() {
    let place = convolutional();
    let line =
        format!("{COMPRESS} --weights conv.safetensors --drop 100 --macs 30% --no-integers --out small");
    place.succeed(&line);
    assert_eq!(steps(&place, "small"), 1);
    let first = place.read("small/net.safetensors");
    // These say what is done without them, or nothing of what a step does.
    place.succeed(&format!("{line} --round-to 1 --threads 2 --optimizer sgd --lr 0.02"));
    assert_eq!((steps(&place, "small"), place.read("small/net.safetensors")), (1, first.clone()));
    place.succeed(&format!("{line} --optimizer adamw"));
    assert_eq!(steps(&place, "small"), 2);
    assert_ne!(place.read("small/net.safetensors"), first);
    let page = String::from_utf8(place.read("small/report.html")).unwrap();
    assert!(page.contains("AdamW") && page.contains("0.0002"), "{page}");
}

#[test]
fn what_holds_of_all_steps_is_told_once() {
    let place = with_layers(Entry::images([1, 8, 8]), |g, x| {
        let x = g.flatten(x);
        let x = g.linear("fc1", x, 30);
        let x = g.relu(x);
        let x = g.linear("fc2", x, 10);
        g.activation(x, Activation::Sigmoid)
    });
    let line = "compress --weights net.safetensors --data digits --epochs 1 --drop 100 --macs 40% --step 20% \
                --no-integers --out small";
    let said = place.run(line);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(2 <= steps(&place, "small"), "{said:?}");
    assert_eq!(said.err.matches("ends with `sigmoid`").count(), 1, "{said:?}");
    assert!(!said.err.contains("done before"), "{said:?}");
    let again = place.run(line);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.err.matches("done before").count(), 1, "{again:?}");
    assert!(!again.err.contains("this run is done"), "{again:?}");
}
