"""Check a program of Sapwood on torchvision's networks, against ONNX Runtime; exit 1 on a difference.

    python3 check_onnx.py PROGRAM [NETWORK ...]

Each network, with random weights and random batch statistics, is exported by PyTorch's TorchScript exporter. `forward` of
that file has to be what ONNX Runtime computes, `export` a file that ONNX's checker passes and that ONNX Runtime gives the
same answers for, and so has the file of the network with 80 % of each layer's weights removed. Differences are norms over norms.
Needs the PyPI packages `torchvision`, `onnx` and `onnxruntime` beside `torch`.
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch

try:
    import onnx
    import onnxruntime
    import torchvision
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

from onnx_files import randomised

NETWORKS = ("resnet18", "vgg11_bn", "alexnet", "mobilenet_v2", "mobilenet_v3_small", "resnext50_32x4d")
OPSETS = (13, 17)
TOLERANCE = 1e-5


def run(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def answers(path, x):
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"input": x})[0])


def main():
    program, *names = sys.argv[1:]
    warnings.filterwarnings("ignore")
    torch.manual_seed(7)
    x = torch.randn(2, 3, 224, 224).numpy()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        inputs, outputs = folder / "x.safetensors", folder / "y.safetensors"
        save_file({"input": x}, inputs)

        def forward(weights):
            run(program, "forward", "--weights", weights, "--input", inputs, "--out", outputs)
            return torch.from_numpy(load_file(outputs)["logits"])

        for name in names or NETWORKS:
            net = randomised(getattr(torchvision.models, name)(weights=None).eval())
            for opset in OPSETS:
                theirs, ours, sparse, again = (folder / f"{part}.onnx" for part in ("theirs", "ours", "sparse", "again"))
                with torch.no_grad():
                    torch.onnx.export(
                        net,
                        torch.from_numpy(x[:1]),
                        theirs,
                        dynamo=False,
                        opset_version=opset,
                        input_names=["input"],
                        output_names=["logits"],
                        dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}},
                    )
                pruned = folder / "pruned.safetensors"
                run(program, "export", "--weights", theirs, "--out", ours)
                run(program, "prune", "--weights", theirs, "--sparsity", 0.8, "--allocation", "uniform", "--out", pruned)
                run(program, "export", "--weights", pruned, "--out", sparse)
                run(program, "export", "--weights", ours, "--out", again)
                expected = answers(theirs, x)
                found = {
                    "forward": forward(theirs),
                    "export": answers(ours, x),
                }
                far = {key: float((value - expected).norm() / expected.norm()) for key, value in found.items()}
                pruned_answers, pruned_forward = answers(sparse, x), forward(pruned)
                far["pruned"] = float((pruned_answers - pruned_forward).norm() / pruned_forward.norm())
                # The name of the network is that of the file, and all else has to be the same.
                same = ours.read_bytes() == again.read_bytes()
                print(name, opset, ", ".join(f"{key} {value:.1e}" for key, value in far.items()), "" if same else "DIFFERS", flush=True)
                # What is not a number is wrong too.
                wrong += [f"{name} at opset {opset}: {key}" for key, value in far.items() if not value < TOLERANCE]
                wrong += [] if same else [f"{name} at opset {opset}: the export of its export"]
    print("\n".join(wrong) or f"all within {TOLERANCE:.0e}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
