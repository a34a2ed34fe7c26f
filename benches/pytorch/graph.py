"""A network as a PyTorch module, from the layers that Sapwood writes down as JSON: for all that `zoo.py` does not have.

`build(layers)` takes {"input": [C, H, W], "nodes": [{"name": .., "op": .., "inputs": [..]}]}, the form of Sapwood's
`Graph`, and gives a module that takes [N, C, H, W] to [N, K]. Parameters have the names of the nodes.

It stands for a network that a PyTorch user wrote by hand, so it is as fast as such a user's: ReLUs and sums are in
place where nobody else reads what they overwrite, attention is PyTorch's fused one, and a 1x1 convolution of what has
its channels last, as tokens and pooled features have, is a linear layer. `torch.fx` makes a plain forward method of it,
so that nothing is looked up while it runs; `print(build(layers).code)` shows it.
"""

import json
from collections import Counter, namedtuple

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import fx

# How a value lies: [N, C, H, W], [N, H, W, C], or [N, C] where height and width are 1.
IMAGE, PLACES, ROW = "image", "places", "row"

CONVERSIONS = {
    (IMAGE, PLACES): lambda x: x.permute(0, 2, 3, 1).contiguous(),
    (IMAGE, ROW): lambda x: x.flatten(1),
    (PLACES, IMAGE): lambda x: x.permute(0, 3, 1, 2),
    (PLACES, ROW): lambda x: x.permute(0, 3, 1, 2).flatten(1),
    (ROW, IMAGE): lambda x: x[:, :, None, None],
    (ROW, PLACES): lambda x: x[:, None, None],
}

# A value and its form; `free` where it may be overwritten: only the next node reads it, and no gradient needs it.
Wire = namedtuple("Wire", "value form free", defaults=(False,))


class Builder:
    """A forward pass that is being written, and its layers."""

    def __init__(self):
        self.graph = fx.Graph()
        self.modules = {}
        self.converted = {}

    def input(self):
        return Wire(fx.Proxy(self.graph.placeholder("x")), IMAGE)

    def layer(self, name, module, x, form):
        """A layer's output. The gradients of all layers here need their inputs alone, so it is free."""
        self.modules[name] = module
        return Wire(fx.Proxy(self.graph.call_module(name, (x,))), form, True)

    def parameter(self, name, *shape):
        self.modules[name] = nn.Parameter(torch.zeros(shape))
        return fx.Proxy(self.graph.get_attr(name))

    def function(self, function, *arguments):
        """The result of a function of ours, which is called as a whole."""
        return fx.Proxy(self.graph.call_function(function, tuple(getattr(a, "node", a) for a in arguments)))

    def to(self, form, x):
        """A value in another form, converted once for all who read it."""
        if x.form == form:
            return x.value
        key = (x.value.node, form)
        if key not in self.converted:
            self.converted[key] = CONVERSIONS[x.form, form](x.value)
        return self.converted[key]

    def finish(self, x):
        self.graph.output(self.to(ROW, x).node)
        return fx.GraphModule(self.modules, self.graph)


def conv(b, name, x, inputs, outputs, kernel, stride, padding, groups, bias):
    if x.form != IMAGE and (kernel, stride, padding, groups) == (1, 1, 0, 1):
        return b.layer(name, nn.Linear(inputs, outputs, bias), x.value.node, x.form)
    module = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)
    return b.layer(name, module, b.to(IMAGE, x).node, IMAGE)


def linear(b, name, x, inputs, outputs, bias):
    return b.layer(name, nn.Linear(inputs, outputs, bias), b.to(ROW, x).node, ROW)


def batch_norm(b, name, x, channels, epsilon, momentum):
    if x.form == ROW:
        return b.layer(name, nn.BatchNorm1d(channels, epsilon, momentum), x.value.node, ROW)
    return b.layer(name, nn.BatchNorm2d(channels, epsilon, momentum), b.to(IMAGE, x).node, IMAGE)


def layer_norm(b, name, x, channels, epsilon):
    form = ROW if x.form == ROW else PLACES
    return b.layer(name, nn.LayerNorm(channels, epsilon), b.to(form, x).node, form)


def position(b, name, x, *shape):
    return Wire(b.to(IMAGE, x) + b.parameter(f"{name}.embedding", *shape), IMAGE)


def attended(queries, keys, values, heads):
    """Attention between places: [N, H, W, C] each, the channels of a head together."""
    split = (x.flatten(1, 2).unflatten(2, (heads, -1)).transpose(1, 2) for x in (queries, keys, values))
    return F.scaled_dot_product_attention(*split).transpose(1, 2).reshape(queries.shape)


def attention(b, name, queries, keys, values, heads):
    places = (b.to(PLACES, x) for x in (queries, keys, values))
    return Wire(b.function(attended, *places, heads), PLACES)


def activation(b, name, x, kind):
    if kind == "relu":
        return Wire(F.relu(x.value, inplace=x.free), x.form)
    if kind == "relu6":
        return Wire(F.relu6(x.value, inplace=x.free), x.form)
    return Wire({"h-swish": F.hardswish, "h-sigmoid": F.hardsigmoid, "gelu": F.gelu}[kind](x.value), x.form)


def max_pool(b, name, x, kernel, stride, padding):
    return Wire(F.max_pool2d(b.to(IMAGE, x), kernel, stride, padding), IMAGE)


def avg_pool(b, name, x, kernel):
    return Wire(F.avg_pool2d(b.to(IMAGE, x), kernel, ceil_mode=True), IMAGE)


def resize(b, name, x, size):
    return Wire(F.interpolate(b.to(IMAGE, x), size=tuple(size), mode="bilinear", align_corners=False), IMAGE)


def wrap(b, name, x, padding):
    return Wire(F.pad(b.to(IMAGE, x), (padding,) * 4, mode="circular"), IMAGE)


def global_avg_pool(b, name, x):
    return x if x.form == ROW else Wire(x.value.mean((1, 2) if x.form == PLACES else (2, 3)), ROW)


def flatten(b, name, x):
    return Wire(b.to(ROW, x), ROW)


def add(b, name, x, y):
    form = next(form for form in (ROW, PLACES, IMAGE) if form in (x.form, y.form))
    x, y = (x, y) if x.free else (y, x)
    if x.free and x.form == form:
        return Wire(x.value.add_(b.to(form, y)), form, True)
    return Wire(b.to(form, x) + b.to(form, y), form, True)


def scale(b, name, x, factors):
    form = x.form if x.form == ROW else IMAGE
    return Wire(b.to(form, x) * b.to(form, factors), form, True)


def subsampled(x, stride, channels):
    """Every `stride`-th pixel, and zero channels on both sides (the odd one at the end)."""
    before = (channels - x.shape[1]) // 2
    after = channels - x.shape[1] - before
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, before, after))


def subsample(b, name, x, stride, channels):
    return Wire(b.function(subsampled, b.to(IMAGE, x), stride, channels), IMAGE)


OPERATIONS = {
    "conv": conv,
    "linear": linear,
    "batch-norm": batch_norm,
    "layer-norm": layer_norm,
    "position": position,
    "attention": attention,
    "activation": activation,
    "max-pool": max_pool,
    "avg-pool": avg_pool,
    "resize": resize,
    "wrap": wrap,
    "global-avg-pool": global_avg_pool,
    "flatten": flatten,
    "add": add,
    "scale": scale,
    "subsample": subsample,
}


def operation(op):
    """Its name, and its settings by position and by name, of `"add"`, `{"position": [..]}` or `{"conv": {..}}`."""
    name, settings = (op, {}) if isinstance(op, str) else next(iter(op.items()))
    if name not in OPERATIONS:
        raise ValueError(f"expected an operation of {', '.join(OPERATIONS)}, found {name!r}")
    if isinstance(settings, dict):
        return name, (), settings
    return name, settings if isinstance(settings, list) else (settings,), {}


def read(layers):
    """A graph of layers, or what a file of this name has for one."""
    if isinstance(layers, dict):
        return layers
    with open(layers, encoding="utf-8") as file:
        return json.load(file)


def build(layers):
    """The module of a graph of layers."""
    nodes = layers["nodes"]
    readers = Counter(source for node in nodes for source in node["inputs"])
    builder = Builder()
    wires = [builder.input()]
    for number, node in enumerate(nodes[1:], 1):
        name, listed, named = operation(node["op"])
        inputs = (wires[source] for source in node["inputs"])
        wire = OPERATIONS[name](builder, node["name"], *inputs, *listed, **named)
        wires.append(wire._replace(free=wire.free and readers[number] == 1))
    return builder.finish(wires[-1])
