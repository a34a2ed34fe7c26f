"""Write crates/conformance/expected/operations.json: what PyTorch computes of every operation of a graph, on small odd
sizes, and the gradients of inputs and parameters.

Each case is a graph as Sapwood writes it down, and a function of PyTorch's that should be the same. Inputs and
parameters come from `fill` by their names: `lo + (hi - lo) u` for inputs, `2 u - 1` for parameters and `0.5 + u` for
variances; integers are `floor(u * entries)`. The response that is differentiated is the sum of each output times
`2 u - 1` of `response`. Everything is computed in f64 and written as a digest: the shape, the norm, four products with
numbers of `fill`, and the first values.
"""

import json
import math
from fractions import Fraction

import torch_or_exit  # noqa: F401
import torch
import torch.nn.functional as F
import fill
from expected_folder import EXPECTED, number

EXAMPLES, PRODUCTS, FIRST = 2, 4, 6
CASES = []


def case(name, op, f, dims=("n", 3, 5, 7), params=None, span=(-2.0, 2.0), more=(), integers=0, constants=None, slopes=True):
    """An operation called `op` on inputs with these dimensions, `more` for those beyond the first.

    Without `slopes` no gradients are written: those of a saturated curve are `1 - y`, nothing but rounding in f32.
    """
    inputs = [{"name": f"x{i}", "dims": list(d)} for i, d in enumerate((dims, *more))]
    if integers:
        inputs[0]["integers"] = True
    nodes = [{"name": entry["name"], "op": "input", "inputs": []} for entry in inputs]
    reads = list(range(len(nodes)))
    for path, (shape, learnt) in (constants or {}).items():
        reads.append(len(nodes))
        nodes.append({"name": path, "op": {"constant": {"dims": list(shape), "learnt": learnt}}, "inputs": []})
    nodes.append({"name": "op", "op": op, "inputs": reads})
    graph = {"version": 2, "nodes": nodes, "inputs": inputs, "outputs": [len(nodes) - 1]}
    params = {f"op.{key}": shape for key, shape in (params or {}).items()}
    params |= {path: shape for path, (shape, _) in (constants or {}).items()}
    frozen = {path for path, (_, learnt) in (constants or {}).items() if not learnt}
    CASES.append({"id": name, "graph": graph, "span": span, "integers": integers, "params": params, "frozen": frozen, "f": f, "slopes": slopes})


def size(dims):
    """The sizes of dimensions for the examples."""
    known = lambda d: d if isinstance(d, int) else EXAMPLES * int(d.removesuffix("n") or 1)  # noqa: E731
    return tuple(known(d) for d in dims)


def conv(inputs, outputs, kernel, stride=1, padding=0, groups=1, bias=True, **more):
    return {"conv": dict(inputs=inputs, outputs=outputs, kernel=kernel, stride=stride, padding=padding, groups=groups, bias=bias, **more)}


def padded(x, top, left, bottom, right, value=0.0):
    return F.pad(x, (left, right, top, bottom), value=value)


# Convolutions.
case("conv", conv(3, 4, [3, 2], [2, 1], 1), lambda x, p: F.conv2d(x, p["op.weight"], p["op.bias"], (2, 1), 1), params={"weight": (4, 3, 3, 2), "bias": (4,)})
case("conv-asymmetric", conv(3, 4, 3, 2, [0, 1, 1, 2]), lambda x, p: F.conv2d(padded(x, 0, 1, 1, 2), p["op.weight"], p["op.bias"], 2), params={"weight": (4, 3, 3, 3), "bias": (4,)})
case("conv-dilated-grouped", conv(4, 6, 3, 1, [2, 3, 2, 3], 2, False, dilation=[2, 3]), lambda x, p: F.conv2d(x, p["op.weight"], None, 1, (2, 3), (2, 3), 2), ("n", 4, 5, 7), {"weight": (6, 2, 3, 3)})
case("conv-1d", conv(3, 4, [1, 3], [1, 2], [0, 1, 0, 1], dilation=[1, 2], spatial=1), lambda x, p: F.conv1d(x, p["op.weight"], p["op.bias"], 2, 1, 2), ("n", 3, 9), {"weight": (4, 3, 3), "bias": (4,)})
case("conv-1d-causal", conv(4, 4, [1, 3], 1, [0, 2, 0, 0], 4, spatial=1), lambda x, p: F.conv1d(F.pad(x, (2, 0)), p["op.weight"], p["op.bias"], groups=4), ("n", 4, 7), {"weight": (4, 1, 3), "bias": (4,)})
case("transposed", conv(3, 4, 3, 2, 1, transposed=1), lambda x, p: F.conv_transpose2d(x, p["op.weight"], p["op.bias"], 2, 1, 1), params={"weight": (3, 4, 3, 3), "bias": (4,)})
case("transposed-grouped", conv(4, 6, [2, 3], [2, 3], 0, 2, dilation=[1, 2], transposed=[0, 2]), lambda x, p: F.conv_transpose2d(x, p["op.weight"], p["op.bias"], (2, 3), 0, (0, 2), 2, (1, 2)), ("n", 4, 3, 5), {"weight": (4, 3, 2, 3), "bias": (6,)})
case("transposed-asymmetric", conv(3, 2, 4, 2, [0, 1, 2, 1], bias=False, transposed=0), lambda x, p: F.conv_transpose2d(x, p["op.weight"], None, 2, (0, 1))[:, :, :-2], params={"weight": (3, 2, 4, 4)})
case("transposed-1d", conv(4, 6, [1, 3], [1, 2], [0, 1, 0, 1], 2, spatial=1, transposed=[0, 1]), lambda x, p: F.conv_transpose1d(x, p["op.weight"], p["op.bias"], 2, 1, 1, 2), ("n", 4, 5), {"weight": (4, 3, 3), "bias": (6,)})

# Layers.
LINEAR = {"weight": (4, 105), "bias": (4,)}
case("linear", {"linear": {"inputs": 105, "outputs": 4, "bias": True}}, lambda x, p: F.linear(x.flatten(1), p["op.weight"], p["op.bias"]), params=LINEAR)
case("linear-places", {"linear": {"inputs": 7, "outputs": 4, "bias": True, "places": True}}, lambda x, p: F.linear(x, p["op.weight"], p["op.bias"]), params={"weight": (4, 7), "bias": (4,)})
case("linear-places-batch-second", {"linear": {"inputs": 7, "outputs": 4, "bias": False, "places": True}}, lambda x, p: F.linear(x, p["op.weight"]), (5, "3n", 7), {"weight": (4, 7)})
NORM = {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,)}
for rank, dims in ((2, ("n", 3)), (3, ("n", 3, 5)), (4, ("n", 3, 5, 7)), (5, ("n", 3, 2, 3, 4))):
    case(f"batch-norm-{rank}", {"batch-norm": {"channels": 3, "epsilon": 1e-5, "momentum": 0.1}}, lambda x, p: F.batch_norm(x, p["op.running_mean"], p["op.running_var"], p["op.weight"], p["op.bias"]), dims, NORM)
AFFINE = {"weight": (4,), "bias": (4,)}
for rank, dims in ((2, ("n", 4)), (3, ("n", 4, 5)), (4, ("n", 4, 3, 5))):
    case(f"layer-norm-{rank}", {"layer-norm": {"channels": 4, "epsilon": 1e-6}}, lambda x, p: F.layer_norm(x.movedim(1, -1), (4,), p["op.weight"], p["op.bias"], 1e-6).movedim(-1, 1), dims, AFFINE)
case("layer-norm-last", {"layer-norm": {"channels": 4, "epsilon": 1e-5, "last": True}}, lambda x, p: F.layer_norm(x, (4,), p["op.weight"], p["op.bias"]), ("n", 3, 4), AFFINE)
for groups in (1, 2, 4):
    case(f"group-norm-{groups}", {"group-norm": {"groups": groups, "channels": 4, "epsilon": 1e-5}}, lambda x, p, g=groups: F.group_norm(x, g, p["op.weight"], p["op.bias"]), ("n", 4, 3, 5), AFFINE)
case("group-norm-3", {"group-norm": {"groups": 2, "channels": 4, "epsilon": 1e-5}}, lambda x, p: F.group_norm(x, 2, p["op.weight"], p["op.bias"]), ("n", 4, 7), AFFINE)
case("position", {"position": [3, 5, 7]}, lambda x, p: x + p["op.embedding"], params={"embedding": (3, 5, 7)})
case("embedding", {"embedding": {"entries": 9, "width": 4}}, lambda x, p: F.embedding(x, p["op.weight"]), ("n", 7), {"weight": (9, 4)}, integers=9)
case("embedding-3", {"embedding": {"entries": 9, "width": 4}}, lambda x, p: F.embedding(x, p["op.weight"]), ("n", 3, 5), {"weight": (9, 4)}, integers=9)
case("prelu", {"prelu": {"channels": 3}}, lambda x, p: F.prelu(x, p["op.weight"]), params={"weight": (3,)})
case("prelu-single", {"prelu": {"channels": 1}}, lambda x, p: F.prelu(x, p["op.weight"]), ("n", 7), {"weight": (1,)})
case("attention", {"attention": {"heads": 2}}, lambda q, k, v, p: attention(q, k, v, 2), ("n", 4, 3, 5), more=[("n", 4, 3, 5)] * 2)
case("attention-sequence", {"attention": {"heads": 2}}, lambda q, k, v, p: attention(q, k, v, 2), ("n", 4, 7), more=[("n", 4, 7)] * 2)
case("constant-learnt", "add", lambda x, p: x + p["token"], constants={"token": ((3, 1, 7), True)})
case("constant-scalar", {"binary": "mul"}, lambda x, p: x * p["token"], constants={"token": ((), False)})


def attention(q, k, v, heads):
    split = lambda x: x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3)  # noqa: E731
    return F.scaled_dot_product_attention(split(q), split(k), split(v)).transpose(2, 3).reshape(q.shape)


# Activations, also far from zero.
ACTIVATIONS = {
    "relu": F.relu, "relu6": F.relu6, "h-swish": F.hardswish, "h-sigmoid": F.hardsigmoid, "gelu": F.gelu,
    "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"), "sigmoid": torch.sigmoid, "tanh": torch.tanh, "silu": F.silu,
    "mish": F.mish, "softplus": F.softplus, "selu": F.selu,
}
FACTORS = {
    "leaky-relu": (0.1, lambda x: F.leaky_relu(x, 0.1)), "elu": (0.7, lambda x: F.elu(x, 0.7)),
    "clip": ([-0.5, 1.25], lambda x: x.clamp(-0.5, 1.25)),
}
for key, f in ACTIVATIONS.items():
    for span in (2.0, 120.0):
        slopes = span < 10 or key not in ("sigmoid", "tanh")
        case(f"{key}-{span:.0f}", {"activation": key}, lambda x, p, f=f: f(x), ("n", 3, 7), span=(-span, span), slopes=slopes)
for key, (factor, f) in FACTORS.items():
    for span in (2.0, 120.0):
        case(f"{key}-{span:.0f}", {"activation": {key: factor}}, lambda x, p, f=f: f(x), ("n", 11), span=(-span, span))

# Pools.
def window(kernel, stride, padding=0, **more):
    return dict(kernel=kernel, stride=stride, padding=padding, **more)


case("max-pool", {"max-pool": window([3, 2], [2, 1], [1, 1, 1, 1])}, lambda x, p: F.max_pool2d(x, (3, 2), (2, 1), 1))
case("max-pool-ceil-dilated", {"max-pool": window(2, 2, 1, dilation=[2, 3], ceil=True)}, lambda x, p: F.max_pool2d(x, 2, 2, 1, (2, 3), True), ("n", 2, 6, 8))
case("max-pool-ceil", {"max-pool": window(3, 2, ceil=True)}, lambda x, p: F.max_pool2d(x, 3, 2, ceil_mode=True), ("n", 2, 6, 8))
case("max-pool-asymmetric", {"max-pool": window(3, 2, [0, 1, 2, 0])}, lambda x, p: F.max_pool2d(padded(x, 0, 1, 2, 0, -math.inf), 3, 2), span=(-2.0, -1.0))
case("max-pool-1d", {"max-pool": window([1, 3], [1, 2], [0, 1, 0, 1], ceil=True)}, lambda x, p: F.max_pool1d(x, 3, 2, 1, ceil_mode=True), ("n", 3, 8))
case("avg-pool-touching", {"avg-pool": {"kernel": 2}}, lambda x, p: F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False))
for ceil in (False, True):
    for counted in (False, True):
        flags = {"ceil": ceil, "count_padding": counted}
        case(f"avg-pool-ceil-{ceil}-counted-{counted}".lower(), {"avg-pool": window([3, 2], [2, 3], 1, **flags)}, lambda x, p, c=ceil, i=counted: F.avg_pool2d(x, (3, 2), (2, 3), 1, c, i), ("n", 2, 6, 7))
case("avg-pool-asymmetric", {"avg-pool": window(3, 2, [0, 1, 1, 0], ceil=False)}, lambda x, p: F.avg_pool2d(padded(x, 0, 1, 1, 0), 3, 2) * 9 / F.avg_pool2d(padded(torch.ones_like(x), 0, 1, 1, 0), 3, 2).mul(9))
case("avg-pool-1d", {"avg-pool": window([1, 3], [1, 2], [0, 1, 0, 1], count_padding=True, ceil=False)}, lambda x, p: F.avg_pool1d(x, 3, 2, 1), ("n", 3, 8))
case("global-avg-pool", "global-avg-pool", lambda x, p: x.mean((2, 3), keepdim=True))
case("global-avg-pool-1d", "global-avg-pool", lambda x, p: x.mean(2, keepdim=True), ("n", 3, 7))


# Resizing.
def resized(x, sizes, pick):
    """Each pixel of those that `pick` gives for it and its axis, with their parts."""
    for dim, after in zip((2, 3)[-(x.dim() - 2):] if x.dim() == 4 else (2,), sizes):
        before = x.shape[dim]
        rows = []
        for i in range(after):
            rows.append(sum(part * x.select(dim, min(max(at, 0), before - 1)) for at, part in pick(i, before, after)))
        x = torch.stack(rows, dim)
    return x


PLACES = {
    "half-pixel": lambda i, n, m: Fraction(2 * i + 1, 2) * n / m - Fraction(1, 2),
    "asymmetric": lambda i, n, m: Fraction(i * n, m),
    "align-corners": lambda i, n, m: Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(0),
}


def linear(place):
    place = max(place, 0)
    near = place - math.floor(place)
    return [(math.floor(place), float(1 - near)), (math.floor(place) + 1, float(near))]


PICKS = {
    "bilinear": linear,
    "nearest": lambda place: [(math.floor(place), 1.0)],
    "nearest-round": lambda place: [(math.ceil(place - Fraction(1, 2)), 1.0)],
}
for places, place in PLACES.items():
    for interpolation, pick in PICKS.items():
        for to in ([8, 4], [11, 14], [1, 3]):
            f = lambda x, p, to=to, place=place, pick=pick: resized(x, to, lambda i, n, m: pick(place(i, n, m)))  # noqa: E731
            case(f"resize-{interpolation}-{places}-{to[0]}x{to[1]}", {"resize": {"size": to, "interpolation": interpolation, "places": places}}, f)
case("resize-pytorch-bilinear", {"resize": {"size": [8, 4]}}, lambda x, p: F.interpolate(x, (8, 4), mode="bilinear"))
case("resize-pytorch-corners", {"resize": {"size": [8, 4], "places": "align-corners"}}, lambda x, p: F.interpolate(x, (8, 4), mode="bilinear", align_corners=True))
case("resize-pytorch-nearest", {"resize": {"size": [10, 4], "interpolation": "nearest", "places": "asymmetric"}}, lambda x, p: F.interpolate(x, (10, 4)))
case("resize-pytorch-linear", {"resize": {"size": [1, 12]}}, lambda x, p: F.interpolate(x, 12, mode="linear"), ("n", 3, 7))
case("resize-pytorch-nearest-1d", {"resize": {"size": [1, 12], "interpolation": "nearest", "places": "asymmetric"}}, lambda x, p: F.interpolate(x, 12), ("n", 3, 7))

# Padding, cutting, joining and reordering.
case("wrap", {"wrap": {"padding": 2}}, lambda x, p: F.pad(x, (2, 2, 2, 2), "circular"))
case("wrap-1d", {"wrap": {"padding": 1}}, lambda x, p: F.pad(x, (1, 1), "circular"), ("n", 3, 5))
for mode, name, with_ in (("constant", "constant", {"constant": 1.5}), ("reflect", "reflect", "reflect"), ("replicate", "edge", "edge"), ("circular", "wrap", "wrap")):
    f = lambda x, p, m=mode: F.pad(x, (3, 1, 0, 2), m, **({"value": 1.5} if m == "constant" else {}))  # noqa: E731
    case(f"pad-{name}", {"pad": {"before": [0, 0, 0, 3], "after": [0, 0, 2, 1], "with": with_}}, f)
case("pad-channels", {"pad": {"before": [0, 1, 0], "after": [0, 2, 0], "with": {"constant": 0.0}}}, lambda x, p: F.pad(x, (0, 0, 1, 2)), ("n", 3, 5))
case("flatten", "flatten", lambda x, p: x.flatten(1))
case("reshape", {"reshape": ["5n", 3, 7]}, lambda x, p: x.reshape(5 * EXAMPLES, 3, 7))
case("reshape-six", {"reshape": ["n", 3, 5, 1, 7, 1]}, lambda x, p: x.reshape(EXAMPLES, 3, 5, 1, 7, 1))
case("transpose", {"transpose": {"order": [2, 0, 3, 1]}}, lambda x, p: x.permute(2, 0, 3, 1))
case("concat", {"concat": {"axis": 1}}, lambda a, b, p: torch.cat((a, b), 1), more=[("n", 2, 5, 7)])
case("concat-last", {"concat": {"axis": 2}}, lambda a, b, c, p: torch.cat((a, b, c), 2), ("n", 3, 5), more=[("n", 3, 2), ("n", 3, 1)])
case("slice", {"slice": {"axis": 2, "start": 1, "length": 3}}, lambda x, p: x[:, :, 1:4])
case("slice-step", {"slice": {"axis": 3, "start": 1, "length": 3, "step": 2}}, lambda x, p: x[:, :, :, 1:6:2])
case("slice-step-channels", {"slice": {"axis": 1, "start": 0, "length": 2, "step": 3}}, lambda x, p: x[:, 0:4:3], ("n", 5, 7))
case("expand", {"expand": ["n", 3, 5, 7]}, lambda x, p: x.expand(EXAMPLES, 3, 5, 7), ("n", 3, 1, 7))
case("expand-rank", {"expand": [5, "n", 3]}, lambda x, p: x.expand(5, EXAMPLES, 3), ("n", 1))
case("subsample", {"subsample": {"stride": 2, "channels": 6}}, lambda x, p: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2)))

# Arithmetic.
case("add", "add", lambda a, b, p: a + b, more=[("n", 3, 5, 7)])
case("add-broadcast", "add", lambda a, b, p: a + b, more=[("n", 3, 1, 1)])
case("add-rank", "add", lambda a, b, p: a + b, (3, 1), more=[("n", 1, 7)])
case("scale", "scale", lambda a, b, p: a * b, more=[("n", 3, 1, 1)])
case("scale-row", "scale", lambda a, b, p: a * b[:, :, None, None], more=[("n", 3)])
BINARY = {"sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow, "max": torch.maximum, "min": torch.minimum}
for key, f in BINARY.items():
    span = (0.5, 2.0) if key in ("div", "pow") else (-2.0, 2.0)
    case(f"binary-{key}", {"binary": key}, lambda a, b, p, f=f: f(a, b), more=[("n", 3, 5, 7)], span=span)
    case(f"binary-{key}-broadcast", {"binary": key}, lambda a, b, p, f=f: f(a, b), ("n", 1, 7), more=[(3, 1)], span=span)
UNARY = {
    "neg": torch.neg, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "reciprocal": torch.reciprocal,
    "erf": torch.erf, "floor": torch.floor, "ceil": torch.ceil, "sin": torch.sin, "cos": torch.cos,
}
for key, f in UNARY.items():
    span = (0.5, 2.0) if key in ("log", "sqrt", "reciprocal") else (-2.0, 2.0)
    case(f"unary-{key}", {"unary": key}, lambda x, p, f=f: f(x), ("n", 3, 7), span=span)
REDUCE = {
    "sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "l2": lambda x, d, keepdim: torch.linalg.vector_norm(x, 2, d, keepdim),
}
for key, f in REDUCE.items():
    for axes in ([1], [2, 3], [1, 3]):
        for keep in (False, True):
            name = f"reduce-{key}-{''.join(map(str, axes))}-{'keep' if keep else 'drop'}"
            case(name, {"reduce": {"to": key, "axes": axes, "keep": keep}}, lambda x, p, f=f, a=axes, k=keep: f(x, tuple(a), keepdim=k))
for axis in (1, 2, 3):
    case(f"softmax-{axis}", {"softmax": {"axis": axis}}, lambda x, p, a=axis: x.softmax(a), span=(-90.0, 90.0))
    case(f"log-softmax-{axis}", {"softmax": {"axis": axis, "log": True}}, lambda x, p, a=axis: x.log_softmax(a), span=(-90.0, 90.0))
case("matmul", "mat-mul", lambda a, b, p: a @ b, ("n", 3, 5, 7), more=[("n", 3, 7, 4)])
case("matmul-broadcast", "mat-mul", lambda a, b, p: a @ b, ("n", 3, 5, 7), more=[("n", 1, 7, 4)])
case("matmul-rank", "mat-mul", lambda a, b, p: a @ b, ("n", 3, 5, 7), more=[(3, 7, 4)])
case("matmul-matrix", "mat-mul", lambda a, b, p: a @ b, ("n", 5, 7), more=[(7, 4)])
case("matmul-of-matrix", "mat-mul", lambda a, b, p: a @ b, (5, 7), more=[("n", 7, 4)])


def digest(value):
    """A tensor, abridged."""
    flat = value.detach().reshape(-1)
    products = [float(flat @ torch.from_numpy(fill.signed(f"product.{i}", flat.numel()))) for i in range(PRODUCTS)]
    return {
        "shape": list(value.shape),
        "norm": number(float(flat.norm()), 10),
        "products": [number(product, 10) for product in products],
        "first": [number(float(x), 8) for x in flat[:FIRST]],
    }


def of_case(row):
    """A case with PyTorch's answers."""
    inputs = []
    for entry in row["graph"]["inputs"]:
        shape = size(entry["dims"])
        u = torch.from_numpy(fill.unit(f"{row['id']}.{entry['name']}", math.prod(shape))).reshape(shape)
        if entry.get("integers"):
            inputs.append((u * row["integers"]).floor().long())
        else:
            low, high = row["span"]
            inputs.append((low + (high - low) * u).float().double().requires_grad_())
    params = {}
    for path, shape in row["params"].items():
        u = torch.from_numpy(fill.unit(path, math.prod(shape))).reshape(shape)
        params[path] = 0.5 + u if path.endswith("running_var") else 2 * u - 1
        if not path.endswith(("running_mean", "running_var")) and path not in row["frozen"]:
            params[path].requires_grad_()
    output = row["f"](*inputs, params)
    response = output * torch.from_numpy(fill.signed("response", output.numel())).reshape(output.shape)
    leaves = {f"x{i}": x for i, x in enumerate(inputs) if x.requires_grad}
    leaves |= {path: value for path, value in params.items() if value.requires_grad}
    gradients = torch.autograd.grad(response.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
    return {
        "id": row["id"],
        "graph": row["graph"],
        "span": row["span"],
        "entries": row["integers"],
        "output": digest(output),
        "gradients": {key: digest(value) for key, value in zip(leaves, gradients) if row["slopes"]},
    }


def main():
    lines = ",\n".join(json.dumps(of_case(row)) for row in CASES)
    (EXPECTED / "operations.json").write_text(f'{{"examples": {EXAMPLES}, "cases": [\n{lines}\n]}}\n')
    print(len(CASES), "cases")


if __name__ == "__main__":
    main()
