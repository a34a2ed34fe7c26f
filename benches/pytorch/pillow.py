"""Pillow's bytes and torchvision's views of images made of numbers: crates/data/src/pil/pillow.txt.

    python3 pillow.py

Needs PyPI packages numpy, Pillow, torch and torchvision. A line is the sum that `checksum` makes of one image's bytes.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

FILTERS = {
    "nearest": (Image.NEAREST, InterpolationMode.NEAREST),
    "bilinear": (Image.BILINEAR, InterpolationMode.BILINEAR),
    "bicubic": (Image.BICUBIC, InterpolationMode.BICUBIC),
    "lanczos": (Image.LANCZOS, InterpolationMode.LANCZOS),
}
SIZES = [((7, 9), (3, 4)), ((5, 4), (8, 11)), ((40, 31), (13, 17)), ((6, 6), (6, 3)), ((1, 256), (1, 224))]
# The image, the size its shorter side gets, and what is cut out of its middle.
VIEWS = [((40, 31), 16, (14, 14)), ((33, 70), 18, (16, 16)), ((9, 12), 20, (15, 20)), ((16, 16), 16, (13, 13))]


def image(height, width, channels):
    numbers = np.arange(height * width * channels, dtype=np.uint32) * np.uint32(2654435761)
    values = (numbers >> np.uint32(24)).astype(np.uint8).reshape(height, width, channels)
    return Image.fromarray(values[:, :, 0] if channels == 1 else values)


def checksum(values):
    total = 0
    for value in np.asarray(values).reshape(-1).tolist():
        total = (total * 31 + value) % (1 << 32)
    return total


def main():
    lines = []
    for name, (pillow, torchvision) in FILTERS.items():
        for channels in (1, 3):
            for (height, width), (h, w) in SIZES:
                found = image(height, width, channels).resize((w, h), pillow)
                lines.append(f"resize {name} {channels} {height} {width} {h} {w} 0 {checksum(found)}")
            for (height, width), side, (h, w) in VIEWS:
                view = transforms.Compose([transforms.Resize(side, torchvision), transforms.CenterCrop((h, w))])
                found = view(image(height, width, channels))
                lines.append(f"view {name} {channels} {height} {width} {h} {w} {side} {checksum(found)}")
    path = Path(__file__).parents[2] / "crates/data/src/pil/pillow.txt"
    path.write_text("\n".join(lines) + "\n")


main()
