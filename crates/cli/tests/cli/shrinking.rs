//! `shrink`, as a user meets it.

use sapwood_core::{State, StateFile};

use crate::workplace::{NET, Workplace};

fn read(place: &Workplace, file: &str) -> StateFile {
    StateFile::from_bytes(&place.read(file)).unwrap()
}

fn shape(state: &State, name: &str) -> Vec<usize> {
    state.0[name].shape().to_vec()
}

/// Trains a small lenet-5, the file of which is `conv.safetensors`.
fn convolutional() -> Workplace {
    let place = Workplace::new();
    place.succeed("train --model lenet-5 --width 0.2 --data digits --epochs 1 --out run");
    place.put("conv.safetensors", place.read("run/weights.safetensors"));
    place
}

fn logits(place: &Workplace, file: &str) -> Vec<f64> {
    place.succeed(&format!("forward --weights {file} --input x.safetensors --out y.safetensors"));
    let state = read(place, "y.safetensors").state;
    state.0["logits"].iter().collect()
}

#[test]
fn masked_filters_leave_and_the_outputs_stay() {
    let place = convolutional();
    let images: Vec<u8> =
        (0..4 * 64).flat_map(|at| ((at * 37 % 101) as f32 / 50.0 - 1.0).to_le_bytes()).collect();
    place.put("x.safetensors", crate::safetensors::file(&[("input", "F32", &[4, 1, 8, 8], images)]));
    place.succeed(
        "prune --weights conv.safetensors --granularity filter --sparsity 0.5 --out masked.safetensors",
    );
    let said = place.succeed("shrink --weights masked.safetensors --out small.safetensors");
    assert!(said.contains("channels gone") && said.contains("bytes written"), "{said}");
    let (masked, small) = (place.read("masked.safetensors"), place.read("small.safetensors"));
    assert!(small.len() < masked.len() / 2, "{} of {}", small.len(), masked.len());
    let (before, after) = (logits(&place, "masked.safetensors"), logits(&place, "small.safetensors"));
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let far = norm(&mut before.iter().zip(&after).map(|(a, b)| a - b)) / norm(&mut before.iter().copied());
    assert!(far < 1e-5, "{far:e}");
    // The smaller network is one as any other.
    place.succeed("describe --weights small.safetensors");
    place.succeed("train --weights small.safetensors --data digits --epochs 1 --out again");
    place.succeed("prune --weights small.safetensors --sparsity 0.5 --out sparse.safetensors");
    let said = place.succeed("shrink --weights small.safetensors --channels 30% --out smaller.safetensors");
    assert!(said.contains("channels gone"), "{said}");
}

#[test]
fn targets_are_reached_and_the_plan_says_who_goes_together() {
    let place = Workplace::with_net();
    place.succeed(&format!("shrink --weights {NET} --channels 50% --out half.safetensors"));
    let (net, half) = (read(&place, NET).state, read(&place, "half.safetensors").state);
    for name in ["fc1.weight", "fc2.weight"] {
        assert_eq!(shape(&half, name)[0], shape(&net, name)[0] / 2, "{name}");
    }
    assert_eq!(shape(&half, "fc3.weight")[0], 10);
    let before = place.files();
    let said = place.succeed(&format!("shrink --weights {NET} --macs 50% --selection global --plan"));
    assert!(said.contains("fc1") && said.contains("they go out of the network"), "{said}");
    let said =
        place.succeed(&format!("shrink --weights {NET} --channels 30% --criterion random --plan --json"));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["groups"][0]["before"], &json["groups"][0]["after"]), (&30.into(), &21.into()));
    assert_eq!(place.files(), before, "a plan writes nothing");
    let said = place.succeed(&format!("shrink --weights {NET} --channels 30% --except fc1 --plan"));
    assert!(said.contains("a layer that makes them is excluded"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let place = Workplace::with_net();
    place.refuse(
        &format!("shrink --weights {NET} --out s.safetensors"),
        &["no channel can leave", "`--channels 30%`"],
    );
    place.refuse(
        &format!("shrink --weights {NET} --channels 100% --out s.safetensors"),
        &["expected a share", "100%"],
    );
    place
        .refuse(&format!("shrink --weights {NET} --params 99.9% --out s.safetensors"), &["at most", "99.9%"]);
    place.refuse(&format!("shrink --weights {NET} --channels 30%"), &["--out"]);
    place.succeed(&format!("prune --weights {NET} --sparsity 0.9 --out masked.safetensors"));
    place.refuse(
        "shrink --weights masked.safetensors --out s.safetensors",
        &["the masks are not of whole channels", "more weights of", "`--dead-only`"],
    );
}
