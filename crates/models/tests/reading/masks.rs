//! Masks as people have them: beside weights, in a dictionary or a file of their own.

use burn::tensor::{bf16, f16};
use safetensors::Dtype;
use sapwood_core::Bits;
use sapwood_models::{Note, Reading};

use super::{Tensors, lenet, masked, read, small, state, third};

#[test]
fn masks_in_a_dictionary_beside_the_weights_are_theirs() {
    let state = state(&small(), 1);
    let weights = Tensors::of(&state).named(|name| format!("state_dict.{name}"));
    for key in ["masks.fc2.weight", "mask.fc2.weight", "masks.fc2.weight_mask", "fc2.weight_mask"] {
        let mut masks = Tensors::default();
        masks.put(key, Dtype::BOOL, &[10, 30], third(300).into_iter().map(u8::from).collect());
        let opened = weights.clone().with(masks).open(&lenet()).unwrap();
        assert_eq!(read(&opened).0["fc2.weight"], masked(&state, "fc2.weight"), "{key}");
        assert_eq!(opened.masks.len(), 1);
        assert!(key.starts_with("fc2") || opened.notes.is_empty(), "{key}: {:?}", opened.notes);
    }
}

#[test]
fn a_dictionary_of_masks_with_names_of_both_kinds_is_refused() {
    let weights = Tensors::of(&state(&small(), 1)).named(|name| format!("state_dict.{name}"));
    let mut masks = Tensors::default();
    let bytes = |len: usize| third(len).into_iter().map(u8::from).collect();
    masks.put("masks.fc2.weight_mask", Dtype::BOOL, &[10, 30], bytes(300));
    masks.put("masks.fc3.weight", Dtype::BOOL, &[10, 10], bytes(100));
    let error = weights.with(masks).open(&lenet()).unwrap_err();
    assert!(error.contains("`fc2.weight_mask` is named as a mask, and `fc3.weight`"), "{error}");
}

#[test]
fn original_and_mask_are_joined_as_pytorchs_pruning_writes_them() {
    let state = state(&small(), 1);
    for (original, mask) in [
        ("weight_orig", "weight_mask"),
        ("parametrizations.weight.original", "parametrizations.weight.0.mask"),
    ] {
        let mut file = Tensors::of(&state).named(|name| match name.strip_suffix("weight") {
            Some(layer) => format!("model.{layer}{original}"),
            None => format!("model.{name}"),
        });
        for layer in ["fc1", "fc2", "fc3"] {
            let value = &state.0[format!("{layer}.weight").as_str()];
            let kept: Vec<f32> = third(value.len()).iter().map(|keep| f32::from(u8::from(*keep))).collect();
            file.floats(&format!("model.{layer}.{mask}"), value.shape(), &kept);
        }
        let opened = file.open(&lenet()).unwrap();
        for layer in ["fc1.weight", "fc2.weight", "fc3.weight"] {
            assert_eq!(read(&opened).0[layer], masked(&state, layer));
            assert_eq!(opened.masks[layer], third(state.0[layer].len()).into_iter().collect::<Bits>());
        }
        assert_eq!(opened.notes, []);
        file.0.remove(&format!("model.fc2.{mask}"));
        let error = file.open(&lenet()).unwrap_err();
        assert!(error.contains(&format!("`fc2.{original}` has no mask beside it")), "{error}");
    }
}

#[test]
fn a_masked_bias_is_zero_and_said() {
    let state = state(&small(), 1);
    let mut file = Tensors::of(&state).named(|name| name.replace("fc1.bias", "fc1.bias_orig"));
    file.floats(
        "fc1.bias_mask",
        &[30],
        &third(30).iter().map(|keep| f32::from(u8::from(*keep))).collect::<Vec<_>>(),
    );
    let opened = file.open(&lenet()).unwrap();
    assert_eq!(read(&opened).0["fc1.bias"], masked(&state, "fc1.bias"));
    assert!(opened.masks.is_empty());
    assert_eq!(opened.notes, [Note::NoMask { path: "fc1.bias".into(), zeros: 20, of: 30 }]);
}

#[test]
fn masks_beside_weights_may_have_any_type_but_only_0_and_1() {
    let state = state(&small(), 1);
    let kept = third(state.0["fc2.weight"].len());
    for dtype in [
        Dtype::F32,
        Dtype::F16,
        Dtype::BF16,
        Dtype::F64,
        Dtype::I64,
        Dtype::I32,
        Dtype::I8,
        Dtype::U8,
        Dtype::BOOL,
    ] {
        let one: Vec<u8> = match dtype {
            Dtype::F32 => 1.0f32.to_le_bytes().into(),
            Dtype::F64 => 1.0f64.to_le_bytes().into(),
            Dtype::F16 => f16::ONE.to_le_bytes().into(),
            Dtype::BF16 => bf16::ONE.to_le_bytes().into(),
            Dtype::I64 => 1i64.to_le_bytes().into(),
            Dtype::I32 => 1i32.to_le_bytes().into(),
            _ => vec![1],
        };
        let number = |keep: bool| if keep { one.clone() } else { vec![0; one.len()] };
        let mut file = Tensors::of(&state);
        file.put("fc2.weight_mask", dtype, &[10, 30], kept.iter().flat_map(|keep| number(*keep)).collect());
        file.put("fc1.bias_mask", dtype, &[30], number(true).repeat(30));
        let opened = file.open(&lenet()).unwrap();
        assert_eq!(read(&opened).0["fc2.weight"], masked(&state, "fc2.weight"), "{dtype}");
        assert_eq!(opened.masks.len(), 1, "{dtype}");
        assert_eq!(opened.notes, [], "{dtype}");
    }
    let mut file = Tensors::of(&state);
    file.floats("fc2.weight_mask", &[10, 30], &[0.5; 300]);
    let error = file.open(&lenet()).unwrap_err();
    assert!(error.contains("`fc2.weight_mask` is no mask: expected only 0 and 1, found 0.5"), "{error}");
}

#[test]
fn masks_may_lie_in_a_file_of_their_own() {
    let state = state(&small(), 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("masks");
    let floats =
        |values: Vec<bool>| values.into_iter().map(|keep| f32::from(u8::from(keep))).collect::<Vec<_>>();
    let kept = floats(third(300));
    let mut by_name = Tensors::default();
    by_name.floats("module.fc2.weight_mask", &[10, 30], &kept);
    let mut plain = Tensors::default();
    plain.floats("masks.fc2.weight", &[10, 30], &kept);
    plain.floats("masks.fc1.bias", &[30], &[1.0; 30]);
    let beside = Tensors::of(&state).with(by_name.named(|name| name.replace("module.", "")));
    let reading = Reading { masks: Some(path.clone()), ..lenet() };
    for masks in [&by_name, &plain, &beside] {
        std::fs::write(&path, masks.bytes()).unwrap();
        let opened = Tensors::of(&state).open(&reading).unwrap();
        assert_eq!(read(&opened).0["fc2.weight"], masked(&state, "fc2.weight"));
        assert_eq!(opened.masks.keys().map(|path| path.as_str()).collect::<Vec<_>>(), ["fc2.weight"]);
    }
    let first = state.0["fc1.weight"].clone();
    let plain_mask = floats(third(first.len()));
    let mut mixed = by_name.clone();
    mixed.floats("module.fc1.weight", first.shape(), &plain_mask);
    let mut with_weights = beside.clone();
    with_weights.floats("fc1.weight", first.shape(), &plain_mask);
    let mut other = Tensors::default();
    other.floats("fc2.weight_mask", &[30, 10], &kept);
    let mut unknown = by_name.clone();
    unknown.floats("module.fc9.weight_mask", &[1], &[1.0]);
    let mut rounds = Tensors::default();
    rounds.floats("round1.fc2.weight_mask", &[10, 30], &kept);
    rounds.floats("round2.fc2.weight_mask", &[10, 30], &[1.0; 300]);
    for (masks, expected) in [
        (&Tensors::of(&state), "`fc1.bias` is no mask"),
        (&Tensors::default(), "there are no masks of this network in it"),
        (&other, "fc2.weight_mask should be [10, 30] but is [30, 10]"),
        (&unknown, "unexpected module.fc9.weight_mask"),
        (
            &mixed,
            "`module.fc2.weight_mask` is named as a mask, and `module.fc1.weight`, which holds only 0 and 1",
        ),
        (&with_weights, "`fc1.weight_mask` if it is a mask"),
        (&rounds, "masks that fit lie below `round1`, `round2`, and they differ"),
    ] {
        std::fs::write(&path, masks.bytes()).unwrap();
        let error = Tensors::of(&state).open(&reading).unwrap_err();
        assert!(error.contains(expected) && error.ends_with("masks"), "{error}");
    }
    std::fs::write(&path, by_name.bytes()).unwrap();
    let error = beside.open(&reading).unwrap_err();
    assert!(error.contains("have masks of their own"), "{error}");
}
