"""What ONNX Runtime's operators on integers give, and that the formulas of crates/kernels/src/exact.rs are theirs.

    python3 integers.py check     random shapes, also with scales that make halves; prints how many bytes differ
    python3 integers.py write     writes crates/kernels/tests/exact/expected.rs

Needs the PyPI packages onnx, onnxruntime and numpy. Weights of 8 bits are exact on x86 only where the processor has
VNNI: without it the products of two neighbours are cut off at 16 bits.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

f = np.float32
BOUNDS = {np.uint8: (0, 255), np.int8: (-128, 127)}


def run(op, inputs, constants, dtype, **attributes):
    """The output of one operator, not optimised."""
    order = list(dict.fromkeys([*inputs, *constants]))
    names = [name for name in attributes.pop("order", order)]
    values = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for name, x in inputs.items()]
    domain = "" if op in ("QLinearConv", "QLinearMatMul") else "com.microsoft"
    node = helper.make_node(op, names, ["y"], domain=domain, **attributes)
    output = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
    initial = [numpy_helper.from_array(np.asarray(x), name) for name, x in constants.items()]
    graph = helper.make_graph([node], "g", values, [output], initial)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def requantised(sums, factors, zero, dtype):
    low, high = BOUNDS[dtype]
    v = np.clip((sums.astype(f) * factors.astype(f)).astype(f), f(low - zero), f(high - zero))
    return (np.rint(v).astype(np.int64) + zero).astype(dtype)


def fused(a, b, c):
    """a * b + c, rounded once: the products of f32 are exact in f64."""
    return (np.asarray(a, np.float64) * np.float64(b) + np.asarray(c, np.float64)).astype(f)


def convolution(x, w, bias, xz, groups, stride, padding):
    """The sums in whole numbers."""
    n, c, h, wd = x.shape
    o, each, kh, kw = w.shape
    x = np.pad(x.astype(np.int64) - xz, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    oh, ow = (h + 2 * padding[0] - kh) // stride[0] + 1, (wd + 2 * padding[1] - kw) // stride[1] + 1
    y = np.zeros((n, o, oh, ow), np.int64)
    for k in range(o):
        g = k // (o // groups)
        for i in range(kh):
            for j in range(kw):
                part = x[:, g * each : (g + 1) * each, i : i + stride[0] * (oh - 1) + 1 : stride[0], j : j + stride[1] * (ow - 1) + 1 : stride[1]]
                y[:, k] += np.einsum("nchw,c->nhw", part, w[k, :, i, j].astype(np.int64))
    return y + bias.reshape(1, -1, 1, 1)


class Draw:
    def __init__(self, seed):
        self.r = np.random.default_rng(seed)

    def number(self, low, high):
        return int(self.r.integers(low, high + 1))

    def integers(self, dtype, *shape):
        low, high = BOUNDS[dtype]
        return self.r.integers(low, high + 1, shape).astype(dtype)

    def weights(self, *shape):
        return self.r.integers(-127, 128, shape).astype(np.int8)

    def scale(self, halves, *shape):
        if halves:
            return (2.0 ** self.r.integers(-6, -2, shape)).astype(f)
        return self.r.uniform(0.002, 0.1, shape).astype(f)

    def zero(self, dtype):
        return self.number(*BOUNDS[dtype])


def conv_case(d, dtype, halves, small):
    groups = d.number(1, 2 if small else 4)
    each, outs = d.number(1, 2 if small else 9), d.number(1, 2 if small else 9)
    depthwise = d.number(0, 3) == 0
    each, outs, groups = (1, 1, d.number(2, 3 if small else 40)) if depthwise else (each, outs, groups)
    kh, kw = d.number(1, 3), d.number(1, 3)
    stride, padding = [d.number(1, 2), d.number(1, 2)], [d.number(0, min(1, kh - 1)), d.number(0, min(1, kw - 1))]
    h, w = d.number(kh, 4 if small else 12), d.number(kw, 4 if small else 12)
    x = d.integers(dtype, d.number(1, 2), groups * each, h, w)
    wt, bias = d.weights(groups * outs, each, kh, kw), d.r.integers(-3000, 3000, groups * outs).astype(np.int32)
    xs, ws, ys = d.scale(halves), d.scale(halves, groups * outs), d.scale(halves) * f(8 * each * kh * kw)
    xz, yz = d.zero(dtype), d.zero(dtype)
    constants = dict(xs=xs, xz=dtype(xz), w=wt, ws=ws, wz=np.zeros_like(ws, np.int8), ys=ys, yz=dtype(yz), b=bias)
    y = run("QLinearConv", dict(x=x), constants, dtype, order=["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"],
            group=groups, strides=stride, pads=padding * 2, kernel_shape=[kh, kw])
    factors = (f(xs) * ws / f(ys)).astype(f).reshape(1, -1, 1, 1)
    found = requantised(convolution(x, wt, bias, xz, groups, stride, padding), factors, yz, dtype)
    fields = dict(kind="Convolution", groups=groups, stride=stride, padding=padding, x=x, w=wt, bias=bias, scales=[xs, ys],
                  weight_scales=ws, zeros=[xz, yz], expected=y)
    return found, y, fields


def matmul_case(d, dtype, halves, small):
    n, k, m = d.number(1, 4), d.number(1, 6 if small else 300), d.number(1, 4 if small else 40)
    x, wt = d.integers(dtype, n, k), d.weights(m, k)
    xs, ws, ys = d.scale(halves), d.scale(halves, m), d.scale(halves) * f(8 * k)
    xz, yz = d.zero(dtype), d.zero(dtype)
    constants = dict(xs=xs, xz=dtype(xz), w=np.ascontiguousarray(wt.T), ws=ws, wz=np.zeros(m, np.int8), ys=ys, yz=dtype(yz))
    y = run("QLinearMatMul", dict(x=x), constants, dtype)
    sums = (x.astype(np.int64) - xz) @ wt.astype(np.int64).T
    found = requantised(sums, (f(xs) * ws / f(ys)).astype(f), yz, dtype)
    fields = dict(kind="Matrix", groups=1, stride=[1, 1], padding=[0, 0], x=x.reshape(n, k, 1, 1), w=wt.reshape(m, k, 1, 1),
                  bias=np.zeros(m, np.int32), scales=[xs, ys], weight_scales=ws, zeros=[xz, yz], expected=y.reshape(n, m, 1, 1))
    return found, y, fields


def add_case(d, dtype, halves, small):
    n = d.number(1, 12 if small else 300)
    a, c = d.integers(dtype, n), d.integers(dtype, n)
    sa, sc, sy = (d.scale(halves) for _ in range(3))
    za, zc, zy = (d.zero(dtype) for _ in range(3))
    constants = dict(sa=sa, za=dtype(za), sc=sc, zc=dtype(zc), sy=sy, zy=dtype(zy))
    y = run("QLinearAdd", dict(a=a, c=c), constants, dtype, order=["a", "sa", "za", "c", "sc", "zc", "sy", "zy"])
    ra, rc = f(sa / sy), f(sc / sy)
    fixed = f(f(zy) - fused(ra, f(za), f(rc * f(zc))))
    v = fused(a.astype(f), ra, fused(c.astype(f), rc, fixed))
    found = np.clip(np.rint(v), *BOUNDS[dtype]).astype(dtype)
    fields = dict(kind="Sum", groups=1, stride=[1, 1], padding=[0, 0], x=a.reshape(1, n, 1, 1), w=c.reshape(1, n, 1, 1),
                  bias=np.zeros(0, np.int32), scales=[sa, sy], weight_scales=[sc], zeros=[za, zy, zc], expected=y.reshape(1, n, 1, 1))
    return found, y, fields


def mean_case(d, dtype, halves, small):
    x = d.integers(dtype, 2, d.number(1, 3 if small else 9), d.number(1, 3 if small else 9), d.number(1, 3 if small else 9))
    xs, ys, xz, yz = d.scale(halves), d.scale(halves), d.zero(dtype), d.zero(dtype)
    constants = dict(xs=xs, xz=dtype(xz), ys=ys, yz=dtype(yz))
    y = run("QLinearGlobalAveragePool", dict(x=x), constants, dtype, channels_last=0)
    size = x.shape[2] * x.shape[3]
    sums = x.astype(np.int64).sum((2, 3), keepdims=True) - size * xz
    found = requantised(sums, f(f(xs) / f(f(ys) * f(size))), yz, dtype)
    fields = dict(kind="Mean", groups=1, stride=[1, 1], padding=[0, 0], x=x, w=np.zeros((1, 1, 1, 1), np.int8), bias=np.zeros(0, np.int32),
                  scales=[xs, ys], weight_scales=[], zeros=[xz, yz], expected=y)
    return found, y, fields


def means_case(d, dtype, halves, small):
    k = d.number(1, 3)
    x = d.integers(dtype, 1, d.number(1, 2), d.number(k, 5 if small else 12), d.number(k, 5 if small else 12))
    xs, ys, xz, yz = d.scale(halves), d.scale(halves), d.zero(dtype), d.zero(dtype)
    constants = dict(xs=xs, xz=dtype(xz), ys=ys, yz=dtype(yz))
    y = run("QLinearAveragePool", dict(x=x), constants, dtype, kernel_shape=[k, k], strides=[k, k], ceil_mode=1, count_include_pad=0)
    found = np.empty_like(y)
    for n, c, i, j in np.ndindex(*y.shape):
        part = x[n, c, i * k : (i + 1) * k, j * k : (j + 1) * k].astype(np.int64).ravel()
        total = f(0)
        for value in part:
            total = f(total + f(f(xs) * f(value - xz)))
        found[n, c, i, j] = np.clip(np.rint(f(f(f(total / f(len(part))) / f(ys)) + f(yz))), *BOUNDS[dtype])
    fields = dict(kind="Means", groups=k, stride=[1, 1], padding=[0, 0], x=x, w=np.zeros((1, 1, 1, 1), np.int8), bias=np.zeros(0, np.int32),
                  scales=[xs, ys], weight_scales=[], zeros=[xz, yz], expected=y)
    return found, y, fields


CASES = dict(QLinearConv=conv_case, QLinearMatMul=matmul_case, QLinearAdd=add_case, QLinearGlobalAveragePool=mean_case, QLinearAveragePool=means_case)


def check():
    wrong = 0
    for name, case in CASES.items():
        for dtype in BOUNDS:
            for halves in (False, True):
                d, differ, size = Draw(len(name)), 0, 0
                for _ in range(100):
                    found, expected, _ = case(d, dtype, halves, False)
                    differ += int((found != expected).sum())
                    size += expected.size
                wrong += differ
                print(f"{name:26} {dtype.__name__:6} {'halves' if halves else 'any   '} {differ} of {size} bytes differ")
    sys.exit(bool(wrong))


def literal(value):
    if isinstance(value, str):
        return f"Kind::{value}"
    if isinstance(value, int):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return "&[" + ", ".join(f"f32::from_bits({x.view(np.uint32):#010x})" for x in array.astype(f).ravel()) + "]"
    return "&[" + ", ".join(str(int(x)) for x in array.ravel()) + "]"


def write():
    lines = ["//! What ONNX Runtime's operators on integers give: written by `benches/pytorch/integers.py`.", "",
             "use crate::{Case, Kind};", "", "#[rustfmt::skip]", "pub(crate) const CASES: &[Case] = &["]
    for name, case in CASES.items():
        for number, (dtype, halves) in enumerate((t, h) for t in BOUNDS for h in (False, True)):
            for more in range(3 if name == "QLinearConv" else 1):
                _, _, fields = case(Draw(100 * number + more + len(name)), dtype, halves, True)
                shapes = {key + "_shape": list(fields[key].shape) for key in ("x", "w", "expected")}
                fields = fields | shapes | dict(bounds=list(BOUNDS[dtype]))
                lines.append("    Case { " + ", ".join(f"{key}: {literal(value)}" for key, value in fields.items()) + " },")
    lines.append("];")
    place = Path(__file__).resolve().parents[2] / "crates/kernels/tests/exact/expected.rs"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    {"check": check, "write": write}[sys.argv[1]]()
