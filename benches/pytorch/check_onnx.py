"""Check a program of Sapwood on networks that people bring, against ONNX Runtime; exit 1 on a difference.

    python3 check_onnx.py PROGRAM [NETWORK ...]

Each network of `onnx_networks.py`, with random weights and random batch statistics, is exported by each of PyTorch's exporters. `forward` of
that file has to be what ONNX Runtime computes, `export` a file that ONNX's checker passes and that ONNX Runtime gives the
same answers for, and so has the file of the network with 80 % of each layer's weights removed. Differences are norms over norms.
Needs the PyPI packages `torchvision`, `onnx`, `onnxruntime` and `onnxscript` beside `torch`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch

try:
    import onnx
    import onnxruntime
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

from onnx_networks import EXPORTERS, NETWORKS, export, network

TOLERANCE = 1e-5


def run(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def answers(path, x):
    """All outputs, each example's in a row."""
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: x})
    return torch.cat([torch.from_numpy(value).flatten(1) for value in found], 1)


def main():
    program, *names = sys.argv[1:]
    wrong = []
    for name in names or NETWORKS:
        net, shape = network(name)
        x = torch.randn(2, *shape).numpy()
        for exporter in EXPORTERS:
            with tempfile.TemporaryDirectory() as folder:
                wrong += check(program, name, exporter, net, x, Path(folder))
    print("\n".join(wrong) or f"all within {TOLERANCE:.0e}")
    return int(bool(wrong))


def check(program, name, exporter, net, x, folder):
    """What is wrong with a network as one exporter writes it."""
    inputs, outputs = folder / "x.safetensors", folder / "y.safetensors"
    theirs, ours, sparse, again = (folder / f"{part}.onnx" for part in ("theirs", "ours", "sparse", "again"))
    pruned = folder / "pruned.safetensors"
    # Sequences have height 1 here.
    save_file({"input": x if x.ndim == 4 else x[:, :, None, :]}, inputs)

    def forward(weights):
        run(program, "forward", "--weights", weights, "--input", inputs, "--out", outputs)
        found = load_file(outputs)
        names = ["logits"] if "logits" in found else sorted(found)
        return torch.cat([torch.from_numpy(found[name]).flatten(1) for name in names], 1)

    export(net, torch.from_numpy(x), theirs, exporter)
    expected = answers(theirs, x)
    run(program, "export", "--weights", theirs, "--out", ours)
    run(program, "export", "--weights", ours, "--out", again)
    run(program, "prune", "--weights", theirs, "--sparsity", 0.8, "--allocation", "uniform", "--out", pruned)
    run(program, "export", "--weights", pruned, "--out", sparse)
    found = {"forward": (forward(theirs), expected), "export": (answers(ours, x), expected), "pruned": (answers(sparse, x), forward(pruned))}
    far = {key: float((a - b).norm() / b.norm()) for key, (a, b) in found.items()}
    # The name of the network is that of the file, and all else has to be the same.
    same = ours.read_bytes() == again.read_bytes()
    print(name, exporter, ", ".join(f"{key} {value:.1e}" for key, value in far.items()), "" if same else "DIFFERS", flush=True)
    # What is not a number is wrong too.
    wrong = [f"{name} by {exporter}: {key}" for key, value in far.items() if not value < TOLERANCE]
    return wrong + ([] if same else [f"{name} by {exporter}: the export of its export"])


if __name__ == "__main__":
    sys.exit(main())
