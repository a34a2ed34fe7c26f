"""Check a program's scores of a network that was imported, by every criterion, against PyTorch's; exit 1 on a difference.

    python3 check_imported_scores.py PROGRAM [CRITERION ...]

torchvision's mobilenet_v2, with random weights and batch statistics, is exported with `training=TRAINING`, and `score --weights net.onnx` has to
give the scores of `criteria.py`, in f64: 1e-4 of the norm of each layer is allowed. Needs `torchvision`, `onnx` and `safetensors`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch

try:
    import onnx
    import torchvision
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

from criteria import CRITERIA, score
from onnx_files import randomised
from onnx_networks import export
from selection import distance

SHAPE, CLASSES, TOLERANCE = (8, 3, 96, 96), 10, 1e-4


def main():
    program, *names = sys.argv[1:]
    torch.manual_seed(7)
    net = randomised(torchvision.models.mobilenet_v2(weights=None, num_classes=CLASSES, dropout=0.0))
    images, labels = torch.randn(SHAPE), torch.arange(SHAPE[0]) % CLASSES
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        path, data, found = (Path(folder) / name for name in ("net.onnx", "data.safetensors", "scores.safetensors"))
        export(net.train(), images, path, "torchscript-17", training=True)
        stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        net.load_state_dict({key: torch.from_numpy(stored[key].copy()) if key in stored else value for key, value in net.state_dict().items()})
        save_file({"images": images, "labels": labels}, data)
        net = net.double()
        for name in names or CRITERIA:
            line = ["score", "--weights", path, "--criterion", name, "--data", data, "--batch-size", SHAPE[0] // 2, "--out", found]
            if name == "magnitude":
                line = line[:5] + line[-2:]
            elif name == "synflow":
                line = line[:7] + line[-2:]
            done = subprocess.run([program, *map(str, line)], capture_output=True, text=True)
            if done.returncode:
                wrong.append(f"{name}: {done.stderr.strip()}")
                continue
            batches = list(zip(images.double().split(SHAPE[0] // 2), labels.split(SHAPE[0] // 2)))
            theirs = score(net, batches, name, {}, None)
            ours = load_file(found)
            if set(ours) != set(theirs):
                wrong.append(f"{name}: scores of {sorted(set(ours) ^ set(theirs))[:3]}")
                continue
            far = max(distance(ours[key], theirs[key]) for key in theirs)
            print(name, len(theirs), "tensors, at most", f"{far:.1e}", flush=True)
            if not far < TOLERANCE:
                wrong.append(f"{name}: {far:.1e}")
    print("\n".join(wrong) or f"all within {TOLERANCE:.0e}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
