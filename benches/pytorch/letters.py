"""Writes rendered letters as an image folder: 26 classes of 28x28 pixels, white on black as MNIST's digits are.

    python3 letters.py FOLDER [--train 250] [--test 40] [--fonts DIRECTORY]

Fonts of the test split are others than those of the training split, every third of those that are found; a letter is
turned by up to 15 degrees, moved by up to 2 pixels and between 16 and 24 pixels high. Needs the PyPI package `Pillow`.
"""

import argparse
import random
import string
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE = 28


def letter(font: Path, text: str, draw: random.Random) -> Image.Image:
    """A letter in the middle, turned and moved."""
    drawn = ImageFont.truetype(str(font), draw.randint(16, 24))
    image = Image.new("L", (SIDE, SIDE))
    middle = (SIDE / 2 + draw.uniform(-2, 2), SIDE / 2 + draw.uniform(-2, 2))
    ImageDraw.Draw(image).text(middle, text, fill=255, font=drawn, anchor="mm")
    return image.rotate(draw.uniform(-15, 15), resample=Image.Resampling.BILINEAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=250, help="images of each letter")
    parser.add_argument("--test", type=int, default=40, help="images of each letter")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"), help="where fonts are")
    said = parser.parse_args()
    fonts = sorted(font for font in said.fonts.rglob("*.ttf") if "Math" not in font.name)
    if len(fonts) < 3:
        raise SystemExit(f"expected three fonts (*.ttf) or more below {said.fonts}, found {len(fonts)}: name a folder by --fonts")
    splits = {
        "train": (said.train, [font for at, font in enumerate(fonts) if at % 3 != 2]),
        "test": (said.test, fonts[2::3]),
    }
    for split, (count, some) in splits.items():
        draw = random.Random(split)
        for text in string.ascii_uppercase:
            folder = said.folder / split / text
            folder.mkdir(parents=True, exist_ok=True)
            for at in range(count):
                letter(draw.choice(some), text, draw).save(folder / f"{at:04}.png")
    print(f"{len(fonts)} fonts, {26 * said.train} images to train on and {26 * said.test} to test with: {said.folder}")


if __name__ == "__main__":
    main()
