"""A graph of layers run node by node, each operation spelled out as it is defined: what `graph.py` must agree with.

`run(layers, values, x, training)` takes the parameters and running statistics by name, and gives [N, K]. It is slow,
nothing is fused or overwritten, and all values lie as [N, C, H, W].
"""

import math

import torch_or_exit  # noqa: F401
import torch
import torch.nn.functional as F


def normalised(x, mean, variance, epsilon, layer):
    """(x - mean) / sqrt(variance + epsilon), scaled and shifted per channel."""
    scale, shift = (layer(part)[:, None, None] for part in ("weight", "bias"))
    return (x - mean) / (variance + epsilon).sqrt() * scale + shift


def conv(layer, training, x, inputs, outputs, kernel, stride, padding, groups, bias):
    weight = layer("weight").reshape(outputs, inputs // groups, kernel, kernel)
    windows = F.unfold(x, kernel, padding=padding, stride=stride).unflatten(1, (groups, -1))
    y = torch.einsum("gok,ngkp->ngop", weight.reshape(groups, outputs // groups, -1), windows).flatten(1, 2)
    height = (x.shape[2] + 2 * padding - kernel) // stride + 1
    y = y.unflatten(2, (height, -1))
    return y + layer("bias")[:, None, None] if bias else y


def linear(layer, training, x, inputs, outputs, bias):
    y = (x.flatten(1) @ layer("weight").t())[:, :, None, None]
    return y + layer("bias")[:, None, None] if bias else y


def batch_norm(layer, training, x, channels, epsilon, momentum):
    if training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, variance = layer("running_mean"), layer("running_var")
    return normalised(x, mean[:, None, None], variance[:, None, None], epsilon, layer)


def layer_norm(layer, training, x, channels, epsilon):
    return normalised(x, x.mean(1, keepdim=True), x.var(1, keepdim=True, unbiased=False), epsilon, layer)


def position(layer, training, x, *shape):
    return x + layer("embedding")


def attention(layer, training, queries, keys, values, heads):
    parts = []
    for head in zip(*(x.flatten(2).chunk(heads, 1) for x in (queries, keys, values))):
        q, k, v = head
        likeness = q.transpose(1, 2) @ k / math.sqrt(q.shape[1])
        parts.append(v @ likeness.softmax(2).transpose(1, 2))
    return torch.cat(parts, 1).reshape(queries.shape)


def activation(layer, training, x, kind):
    h_sigmoid = (x + 3).clamp(0, 6) / 6
    return {
        "relu": x.clamp(min=0),
        "relu6": x.clamp(0, 6),
        "h-swish": x * h_sigmoid,
        "h-sigmoid": h_sigmoid,
        "gelu": x * (1 + torch.erf(x / math.sqrt(2))) / 2,
    }[kind]


def pooled(x, kernel, stride, pool):
    """The windows at every `stride`-th place, cut off at the edge, each made one value by `pool`."""
    rows, columns = (range(0, size, stride) for size in x.shape[2:])
    cut = [[pool(x[:, :, i : i + kernel, j : j + kernel]) for j in columns] for i in rows]
    return torch.stack([torch.stack(row, 2) for row in cut], 2)


def max_pool(layer, training, x, kernel, stride, padding):
    padded = F.pad(x, (padding,) * 4, value=-math.inf)
    height, width = ((size - kernel) // stride + 1 for size in padded.shape[2:])
    return pooled(padded, kernel, stride, lambda window: window.amax((2, 3)))[:, :, :height, :width]


def avg_pool(layer, training, x, kernel):
    return pooled(x, kernel, kernel, lambda window: window.mean((2, 3)))


def between(size, out):
    """The matrix [out, size] of linear interpolation between the middles of pixels."""
    matrix = torch.zeros(out, size, dtype=torch.float64)
    for i in range(out):
        at = min(max((i + 0.5) * size / out - 0.5, 0), size - 1)
        below = math.floor(at)
        matrix[i, below] += 1 - (at - below)
        matrix[i, min(below + 1, size - 1)] += at - below
    return matrix


def resize(layer, training, x, size):
    rows, columns = (between(*pair) for pair in zip(x.shape[2:], size))
    return rows @ x @ columns.t()


def wrap(layer, training, x, padding):
    for dim in (2, 3):
        size = x.shape[dim]
        x = torch.cat([x.narrow(dim, size - padding, padding), x, x.narrow(dim, 0, padding)], dim)
    return x


def global_avg_pool(layer, training, x):
    return x.mean((2, 3), keepdim=True)


def flatten(layer, training, x):
    return x.flatten(1)[:, :, None, None]


def add(layer, training, x, y):
    return x + y


def scale(layer, training, x, factors):
    return x * factors


def subsample(layer, training, x, stride, channels):
    x = x[:, :, ::stride, ::stride]
    more = channels - x.shape[1]
    front, back = (x.new_zeros(len(x), count, *x.shape[2:]) for count in (more // 2, more - more // 2))
    return torch.cat([front, x, back], 1)


def run(layers, values, x, training):
    """The outputs of a network with these parameters and running statistics."""
    found = [x]
    for node in layers["nodes"][1:]:
        op = node["op"]
        name, settings = (op, {}) if isinstance(op, str) else next(iter(op.items()))
        listed, named = ((), settings) if isinstance(settings, dict) else ([settings], {})
        inputs = (found[source] for source in node["inputs"])
        function = globals()[name.replace("-", "_")]
        found.append(function(lambda part: values[f"{node['name']}.{part}"], training, *inputs, *listed, **named))
    return found[-1].flatten(1)
