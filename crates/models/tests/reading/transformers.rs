//! Weights of vision transformers that the zoo does not have.

use sapwood_models::{Reading, Spec};

use super::{Tensors, state};

/// One head, six blocks, patches of 4 pixels.
fn tensors() -> Tensors {
    let usual = Spec::named("vit-small-cifar").unwrap();
    Tensors::of(&state(&Spec { width: 1.0 / 3.0, ..usual.fit([3, 16, 16], 10) }, 1))
}

/// What makes a file another kind of transformer's.
type Change = fn(&mut Tensors);

fn put(file: &mut Tensors, name: &str, shape: &[usize]) {
    file.floats(name, shape, &vec![0.5; shape.iter().product()]);
}

/// All tensors half as wide again.
fn widen(file: &mut Tensors) {
    for (_, shape, bytes) in file.0.values_mut() {
        for size in shape.iter_mut().filter(|size| 64 <= **size) {
            *size += *size / 2;
        }
        *bytes = vec![0; 4 * shape.iter().product::<usize>()];
    }
}

#[test]
fn what_makes_another_kind_of_transformer_is_said_and_what_to_do() {
    let kinds: [(Change, &str); 8] = [
        (|file| file.0.retain(|name, _| !name.starts_with("blocks.5.")), "expected 6 blocks, found 5"),
        (
            |file| put(file, "patch_embed.proj.weight", &[64, 3, 8, 8]),
            "expected patches of 4x4 pixels, found 8x8",
        ),
        (widen, "expected a multiple of 64 channels, since heads have 64 each, found 96"),
        // Of images that are not square, and of places without one for the token.
        (
            |file| put(file, "pos_embed", &[1, 33, 64]),
            "expected positions of one token and SxS patches, [1, 1 + S*S, 64], found [1, 33, 64]",
        ),
        (
            |file| put(file, "pos_embed", &[1, 16, 64]),
            "expected positions of one token and SxS patches, [1, 1 + S*S, 64], found [1, 16, 64]",
        ),
        (
            |file| {
                file.0.remove("cls_token");
                put(file, "pos_embed", &[1, 16, 64]);
            },
            "expected the token `cls_token` alone, found none",
        ),
        (
            |file| {
                put(file, "dist_token", &[1, 1, 64]);
                put(file, "head_dist.weight", &[10, 64]);
                put(file, "pos_embed", &[1, 18, 64]);
            },
            "expected the token `cls_token` alone, found `cls_token`, `dist_token`",
        ),
        (
            |file| put(file, "reg_token", &[1, 4, 64]),
            "expected the token `cls_token` alone, found `cls_token`, `reg_token`",
        ),
    ];
    for (change, expected) in kinds {
        let mut file = tensors();
        change(&mut file);
        let file = file.named(|name| format!("model.{name}"));
        for (model, whose) in [
            (Some("vit-small-cifar"), "they are those of another vision transformer"),
            (None, "are those of a vision transformer that the zoo does not have"),
        ] {
            let error = file.open(&Reading::of(model)).unwrap_err();
            let expected = format!(
                "{whose}: {expected}; a network that is not in the zoo is read from an ONNX file (`torch.onnx.export`): x.safetensors"
            );
            assert!(error.ends_with(&expected), "{error}");
        }
    }
}

#[test]
fn of_the_transformers_of_the_zoo_the_one_that_differs_least_is_the_measure() {
    let usual = Spec::named("vit-b-16").unwrap();
    let mut file = Tensors::of(&state(&Spec { width: 1.0 / 12.0, ..usual.fit([3, 32, 32], 3) }, 1));
    file.0.retain(|name, _| !name.contains("encoder_layer_11."));
    let error = file.open(&Reading::default()).unwrap_err();
    assert!(error.contains("does not have: expected 12 blocks, found 11; a network"), "{error}");
    let mut file = tensors();
    put(&mut file, "patch_embed.proj.weight", &[64, 3, 32, 32]);
    let error = file.open(&Reading::default()).unwrap_err();
    assert!(
        error.contains("does not have: expected patches of 4x4 pixels, found 32x32; a network"),
        "{error}"
    );
}

#[test]
fn a_layer_that_is_missing_makes_no_other_kind() {
    let mut file = tensors();
    file.0.retain(|name, _| !name.starts_with("head."));
    for model in [Some("vit-small-cifar"), None] {
        let error = file.open(&Reading::of(model)).unwrap_err();
        assert!(
            error.contains("missing head.weight, head.bias") && !error.contains("transformer"),
            "{error}"
        );
    }
}
