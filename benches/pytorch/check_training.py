"""Check a program's training of networks that were exported to be trained, against PyTorch; exit 1 on a difference.

    python3 check_training.py PROGRAM [NETWORK ...]

Each network of torchvision's, with random weights and batch statistics, is exported with `training=TRAINING`. Ten steps of the program's
`train --weights`, on one batch of eight images in four classes, have to have the losses of PyTorch's ten steps in f64 on the network itself, at
the rates of `expected_training.py`; 1e-3 of the loss is allowed, or what PyTorch's own steps in f32 are away, where ten steps amplify rounding
to more. What the file holds is what is trained: the export moves the batch statistics.
Needs the PyPI packages `torchvision`, `onnx` and `pillow` beside `torch`.
"""

import copy
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch
import torch.nn.functional as F

try:
    import onnx
    import torchvision
    from PIL import Image
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

from expected_training import SGD
from onnx_files import randomised
from onnx_networks import export

CLASSES, EACH, SIDE, STEPS, TOLERANCE = 4, 2, 96, 10, 1e-3
OPTIONS = {"lr": 5e-4, **SGD, "weight_decay": 5e-2}


def images(folder):
    """Writes a folder of images, both splits alike; the batch that it is."""
    generator = torch.Generator().manual_seed(11)
    pixels = torch.randint(0, 256, (CLASSES, EACH, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    for split in ("train", "test"):
        for label in range(CLASSES):
            (folder / split / f"class{label}").mkdir(parents=True)
            for at in range(EACH):
                Image.fromarray(pixels[label, at].numpy()).save(folder / split / f"class{label}" / f"{at}.png")
    x = (pixels.reshape(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    return x, torch.arange(CLASSES).repeat_interleave(EACH)


def theirs(net, x, labels):
    optimizer, losses = torch.optim.SGD(net.parameters(), **OPTIONS), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def ours(program, folder, path):
    line = f"train --data image-folder --epochs {STEPS} --batch-size {CLASSES * EACH} --schedule constant --nesterov"
    options = ["--lr", OPTIONS["lr"], "--weight-decay", OPTIONS["weight_decay"], "--preprocess", "(x/255-0.5)/0.25"]
    more = ["--weights", path, "--data-root", folder / "images", "--out", folder / "run"]
    subprocess.run([program, *line.split(), *map(str, options + more)], check=True, stdout=subprocess.DEVNULL)
    with open(folder / "run" / "curve.csv", encoding="utf-8") as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


def apart(losses, exact):
    return max(abs(a - b) / abs(b) for a, b in zip(losses, exact, strict=True))


def main():
    program, *names = sys.argv[1:]
    wrong = []
    for name in names or ("resnet18", "mobilenet_v2"):
        torch.manual_seed(7)
        net = randomised(getattr(torchvision.models, name)(weights=None, num_classes=CLASSES))
        for module in net.modules():
            # What is drawn cannot be compared.
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            x, labels = images(folder / "images")
            path = folder / "net.onnx"
            export(net.train(), x, path, "torchscript-17", training=True)
            stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
            state = net.state_dict()
            state.update({key: torch.from_numpy(stored[key].copy()) for key in state if key in stored})
            missing = [key for key in state if key not in stored and not key.endswith("num_batches_tracked")]
            assert not missing, missing
            net.load_state_dict(state)
            exact = theirs(copy.deepcopy(net).double().train(), x.double(), labels)
            far, own = (apart(losses, exact) for losses in (ours(program, folder, path), theirs(net.train(), x, labels)))
        print(name, "loss", f"{exact[0]:.5f} to {exact[-1]:.5f}, at most {far:.1e} apart; PyTorch in f32 {own:.1e}", flush=True)
        if not far < max(TOLERANCE, own):
            wrong.append(f"{name}: {far:.1e}")
    print("\n".join(wrong) or f"all within {TOLERANCE:.0e}, or nearer than PyTorch in f32")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
