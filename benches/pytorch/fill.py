"""Deterministic values that Rust and Python both make from a tensor's name, so that no weights file is needed.

Element i (in PyTorch's flat order) of the tensor called `name`:

    h = FNV-1a 64-bit of the name's UTF-8 bytes
    z = finaliser of splitmix64, applied to h + (i + 1) * 0x9E3779B97F4A7C15 (mod 2^64)
    u = (z >> 40) / 2^24                    in [0, 1), exact in f32
    v = 2 u - 1                             in [-1, 1), exact in f32

Everything derived from u and v is computed in f64 and rounded once to f32.
"""

import math

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
LIVE_DENSITY = 0.38
# Parameters that belong to no layer: they have a name and no kind.
LEARNT = ("cls_token", "class_token", "pos_embed", "pos_embedding")


def fnv1a(name):
    """The 64-bit FNV-1a hash of a name."""
    h = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def unit(name, count):
    """The first `count` values u of the stream `name`, as f64."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)


def signed(name, count):
    """The first `count` values v of the stream `name`, as f64."""
    return 2.0 * unit(name, count) - 1.0


def parameter(name, shape, is_norm):
    """A weight, bias or running statistic as f32; `is_norm` says whether it belongs to a normalisation layer."""
    count = math.prod(shape)
    kind = name.rsplit(".", 1)[-1]
    if kind == "weight" and not is_norm:
        values = signed(name, count) * math.sqrt(6.0 / (count // shape[0]))
    elif kind in ("weight", "running_var"):
        values = 0.5 + unit(name, count)
    elif kind == "running_mean" or (kind == "bias" and is_norm):
        values = 0.2 * signed(name, count)
    elif kind == "bias":
        values = 0.1 * signed(name, count)
    elif kind in LEARNT:
        values = 0.2 * signed(name, count)
    else:
        raise ValueError(f"no rule fills a tensor called `{name}`")
    return values.astype(np.float32).reshape(shape)


def images(name, shape):
    """An input of images: 2 v."""
    return (2.0 * signed(name, math.prod(shape))).astype(np.float32).reshape(shape)


def boards(name, shape):
    """An input of Life boards: alive where u < 0.38."""
    return (unit(name, math.prod(shape)) < LIVE_DENSITY).astype(np.float32).reshape(shape)


def labels(name, count, classes):
    """Class labels: floor(u * classes)."""
    return np.floor(unit(name, count) * classes).astype(np.int64)


def state_dict(model):
    """Every entry of a PyTorch module's state_dict, filled; `num_batches_tracked` stays 0."""
    import torch

    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    filled = {}
    for name, shape in shapes.items():
        prefix, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked":
            filled[name] = torch.zeros((), dtype=torch.int64)
        else:
            # Normalisation alone has one number for each channel.
            is_norm = len(shapes.get(f"{prefix}.weight", ())) == 1
            filled[name] = torch.from_numpy(parameter(ours(name), shape, is_norm))
    return filled


def ours(name):
    """What Sapwood calls a parameter: the three projections of `nn.MultiheadAttention` are a layer there."""
    return name.replace(".in_proj_", ".in_proj.")
