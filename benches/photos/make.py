"""make.py FOLDER: 50 JPEGs of 12 megapixels (4000x3000, quality 90, noise like a sensor's) in two classes,
40 in train and 10 in test: what results-kernels.md times the reading of. PyPI packages numpy and pillow."""
import os
import sys

import numpy as np
from PIL import Image

random = np.random.default_rng(0)
y, x = np.mgrid[0:3000, 0:4000].astype(np.float32)
for i in range(50):
    folder = os.path.join(sys.argv[1], "train" if i < 40 else "test", "circle" if i % 2 else "square")
    red = 128 + 80 * np.sin(x / (200 + i) + i) + 30 * np.cos(y / 90)
    green = 128 + 70 * np.cos(y / (150 + i))
    blue = 128 + 60 * np.sin((x + y) / 300 + i)
    noise = random.normal(0, 6, (1500, 2000, 1)).astype(np.float32).repeat(2, 0).repeat(2, 1)
    image = (np.stack([red, green, blue], -1) + noise).clip(0, 255).astype(np.uint8)
    os.makedirs(folder, exist_ok=True)
    Image.fromarray(image).save(os.path.join(folder, f"{i}.jpg"), quality=90)
