//! ONNX files, as commands take them and write them.

use crate::workplace::{NET, Workplace};

#[test]
fn an_export_is_the_network_for_every_command() {
    let place = Workplace::with_net();
    let said = place.succeed(&format!("export --weights {NET} --out net.onnx"));
    assert!(
        said.starts_with("lenet-300-100 at 1x8x8 as ONNX, opset 18") && said.contains("read back and equal"),
        "{said}"
    );
    for command in ["eval --data digits", "describe", "describe --json"] {
        let [ours, theirs] =
            [NET, "net.onnx"].map(|weights| place.succeed(&format!("{command} --weights {weights}")));
        assert_eq!(ours, theirs, "{command}");
    }
    let [ours, theirs] = [NET, "net.onnx"].map(|weights| {
        place.succeed(&format!("prune --weights {weights} --sparsity 0.9 --out pruned.safetensors"));
        place.read("pruned.safetensors")
    });
    assert!(ours == theirs);
    place.succeed("export --weights pruned.safetensors --out sparse.onnx --opset 17");
    let line = "prune --weights sparse.onnx --masks-from-zeros --sparsity 0.9 --out again.safetensors";
    place.succeed(line);
    assert!(place.read("again.safetensors") == ours);
    place.succeed("score --weights sparse.onnx --criterion snip --data digits --out scores.safetensors");
    place.succeed("train --weights sparse.onnx --masks-from-zeros --data digits --epochs 1 --out run");
    let described = place.succeed("describe --weights run/weights.safetensors");
    assert!(described.contains("90.00 % removed"), "{described}");
}

#[test]
fn what_cannot_be_read_or_written_is_one_line() {
    let place = Workplace::with_net();
    place.refuse(
        &format!("export --weights {NET} --out net.onnx --opset 9"),
        &["opset 9 is not written", "17 to 22"],
    );
    place.succeed(&format!("export --weights {NET} --out net.onnx"));
    let bytes = place.read("net.onnx");
    place.put("cut.onnx", &bytes[..1000]);
    place.refuse("describe --weights cut.onnx", &["not a usable ONNX file: it ends too early", "cut.onnx"]);
    place.refuse("export --weights net.onnx --out net.onnx", &["would be written over", "--out"]);
    place.refuse("eval --weights net.onnx --model lenet-5 --data digits", &["those of `lenet-300-100`"]);
}
