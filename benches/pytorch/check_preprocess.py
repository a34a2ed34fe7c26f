"""Check a program's `predict --preprocess` on resnet-18 with random weights against torchvision's transforms.

    python3 check_preprocess.py PROGRAM

Needs PyPI packages torch, torchvision and Pillow. Exit 1 where a percentage differs by more than 0.1.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch

try:
    import torchvision
    from PIL import Image
    from torchvision import transforms
    from torchvision.transforms import InterpolationMode as Mode
except ImportError as missing:
    raise SystemExit(f"preprocessing skipped: the Python package `{missing.name}` is not installed")

CLASSES = 5
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIZES = [(300, 400), (512, 231), (224, 224), (100, 130)]


def views():
    """What is given to the program, and the same by torchvision."""
    resized = transforms.Resize(256)
    for words, first, mean, std in [
        ("imagenet", [resized, transforms.CenterCrop(224)], MEAN, STD),
        ("imagenet, resize 232, bicubic", [transforms.Resize(232, Mode.BICUBIC), transforms.CenterCrop(224)], MEAN, STD),
        ("(x-127)/128, crop 0.875, bicubic", [transforms.Resize(256, Mode.BICUBIC), transforms.CenterCrop(224)],
         [127 / 255] * 3, [128 / 255] * 3),
        ("x/255, stretch", [transforms.Resize((224, 224))], [0.0] * 3, [1.0] * 3),
    ]:
        yield words, transforms.Compose([*first, transforms.ToTensor(), transforms.Normalize(mean, std)])
        swapped = transforms.Lambda(lambda x: x.flip(0))
        bgr = [*first, transforms.ToTensor(), swapped, transforms.Normalize(mean, std)]
        yield f"{words}, bgr", transforms.Compose(bgr)


def main():
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=CLASSES)
    with torch.no_grad():
        # Statistics of noise, by which no layer is quiet, and answers that are far from equal.
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
        model(torch.randn(16, 3, 224, 224))
        model.fc.weight *= 4
    model.eval()
    worst = 0.0
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        torch.save(model.state_dict(), place / "net.pt")
        for height, width in SIZES:
            noise = torch.rand(3, height // 8, width // 8)
            pixels = torch.nn.functional.interpolate(noise[None], (height, width), mode="bicubic")[0].clamp(0, 1)
            image = transforms.ToPILImage()(pixels)
            image.save(place / "image.png")
            for words, view in views():
                with torch.no_grad():
                    expected = model(view(Image.open(place / "image.png"))[None])[0].softmax(0) * 100
                line = [sys.argv[1], "predict", "--weights", place / "net.pt", "--model", "resnet-18", "--preprocess", words]
                said = subprocess.run([*line, place / "image.png"], capture_output=True, text=True, check=True).stdout
                for answer in said.strip().rsplit(": ", 1)[1].split(", "):
                    name, percent = answer.removesuffix(" %").rsplit(" ", 1)
                    off = abs(float(percent) - expected[int(name.removeprefix("output "))].item())
                    worst = max(worst, off)
                    if off > 0.1:
                        print(f"BAD {height}x{width} {words}: {said.strip()} expected {expected.tolist()}")
    print(f"largest difference {worst:.3f} percentage points")
    sys.exit(0 if worst <= 0.1 else 1)


main()
