//! Vision transformers: images of another size, and weights of other kinds.

use crate::{
    safetensors::{file, floats},
    workplace::Workplace,
};

#[test]
fn images_of_another_size_than_the_positions_are_for_are_refused_in_one_sentence() {
    let place = Workplace::new();
    place.succeed("train --model vit-small-cifar --width 0.3 --data digits --until 0it --out run");
    let weights = "--weights run/weights.safetensors";
    for side in [12, 10] {
        let (shape, values) = ([2, 1, side, side], floats(2 * side * side, 0.5));
        let labels = ("labels", "I64", &[2][..], vec![0; 16]);
        place.put("xy.safetensors", file(&[("images", "F32", &shape, values.clone()), labels]));
        place.put("x.safetensors", file(&[("input", "F32", &shape, values)]));
        let expected = [
            format!("`vit-small-cifar` does not take 1x{side}x{side} inputs"),
            format!(
                "its positions fix the size of images: expected 8x8, found {side}x{side}: resize the images"
            ),
        ];
        let expected = expected.each_ref().map(String::as_str);
        place.refuse(&format!("eval {weights} --data xy.safetensors"), &expected);
        place.refuse(&format!("forward {weights} --input x.safetensors --out y.safetensors"), &expected);
        place.refuse(&format!("describe {weights} --input 1x{side}x{side}"), &expected);
    }
}

#[test]
fn weights_of_a_kind_that_the_zoo_does_not_have_come_in_as_onnx() {
    let place = Workplace::new();
    let tensors = [
        ("cls_token", "F32", &[1, 1, 64][..], floats(64, 0.5)),
        ("pos_embed", "F32", &[1, 5, 64], floats(320, 0.5)),
        ("patch_embed.proj.weight", "F32", &[64, 3, 8, 8], floats(12_288, 0.5)),
        ("blocks.0.attn.qkv.weight", "F32", &[192, 64], floats(12_288, 0.5)),
    ];
    place.put("vit.safetensors", file(&tensors));
    for model in ["", "--model vit-tiny"] {
        place.refuse(
            &format!("eval --weights vit.safetensors --data digits {model}"),
            &[
                "vision transformer",
                "expected 12 blocks, found 1; expected patches of 16x16 pixels, found 8x8",
                "read from an ONNX file (`torch.onnx.export`): vit.safetensors\n",
            ],
        );
    }
    // By magnitude weights are pruned of which nobody knows the network.
    place.succeed("prune --weights vit.safetensors --sparsity 0.5 --out pruned.safetensors");
}
