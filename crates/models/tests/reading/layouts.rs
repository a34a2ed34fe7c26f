//! Layers as others write them: names, types, and rows for columns.

use burn::tensor::{bf16, f16};
use safetensors::Dtype;
use sapwood_models::{Reading, Spec};

use super::{Tensors, lenet, read, small, state};

#[test]
fn names_that_are_known_may_be_renamed_all_the_same() {
    let spec = Spec { width: 0.1, ..Spec::named("resnet-20").unwrap() };
    let state = state(&spec, 1);
    let file = Tensors::of(&state).named(|name| name.replace("fc.", "linear."));
    let all: [&[&str]; 4] =
        [&[], &["linear=fc"], &["linear=head", "head=fc"], &["linear=head", "head=linear"]];
    for renames in all {
        let renames = renames.iter().map(|rename| rename.parse().unwrap()).collect();
        let opened = file.open(&Reading { renames, ..Reading::of(Some("resnet-20")) }).unwrap();
        assert_eq!(read(&opened), state);
    }
}

#[test]
fn published_densenets_have_dots_in_the_names_of_their_layers() {
    let spec = Spec { width: 0.125, ..Spec::named("densenet-121").unwrap().fit([3, 32, 32], 3) };
    let state = state(&spec, 1);
    let pairs = [("norm1", "norm.1"), ("conv1", "conv.1"), ("norm2", "norm.2"), ("conv2", "conv.2")];
    let theirs =
        |name: &str| pairs.iter().fold(name.to_string(), |name, (ours, theirs)| name.replace(ours, theirs));
    let opened = Tensors::of(&state).named(theirs).open(&Reading::of(Some("densenet121"))).unwrap();
    assert_eq!(read(&opened), state);
}

#[test]
fn rows_that_stand_for_columns_are_said_and_also_that_square_weights_have_them() {
    let resnet = Spec { width: 0.25, classes: 3, ..Spec::named("resnet-20").unwrap() };
    for (spec, expected) in [
        (
            small(),
            "fc1.weight should be [30, 784] but is [784, 30], fc2.weight should be [10, 30] but is [30, 10]",
        ),
        (resnet, "fc.weight should be [3, 16] but is [16, 3]"),
    ] {
        let mut file = Tensors::of(&state(&spec, 1));
        for (_, shape, _) in file.0.values_mut().filter(|(_, shape, _)| shape.len() == 2) {
            shape.reverse();
        }
        let expected = format!(
            "{expected}; rows and columns are exchanged: transpose the weights of all linear layers and save the file again"
        );
        let named = Reading::of(Some(spec.model.as_str()));
        for reading in [&named, &Reading::default()] {
            let error = file.open(reading).unwrap_err();
            assert!(error.contains(&expected), "{error}");
        }
        // Where more differs, that is not all that is to be done.
        file.floats("more.weight", &[1], &[1.0]);
        let error = file.open(&named).unwrap_err();
        assert!(error.contains("unexpected more.weight") && !error.contains("transpose"), "{error}");
    }
}

#[test]
fn weights_of_16_bits_are_widened() {
    let state = state(&small(), 1);
    for (dtype, bytes) in
        [(Dtype::F16, f16::from_f32(-1.5).to_le_bytes()), (Dtype::BF16, bf16::from_f32(-1.5).to_le_bytes())]
    {
        let mut file = Tensors::of(&state);
        file.put("fc2.weight", dtype, &[10, 30], bytes.repeat(300));
        let found = read(&file.open(&lenet()).unwrap());
        assert!(found.0["fc2.weight"].iter::<f32>().all(|x| x == -1.5), "{dtype}");
        assert_eq!(found.0["fc2.weight"].dtype(), state.0["fc2.weight"].dtype(), "{dtype}");
    }
}
