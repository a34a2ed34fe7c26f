"""Compares whole networks of integers with ONNX Runtime: a file that `quantize` wrote, as QOperator nodes.

    python3 check_integers.py PROGRAM FILE [IMAGES]

For lenet-300-100, lenet-5 and resnet-20. PROGRAM computes the outputs of random images with its integers
(`forward --exact`); here the same network is written in ONNX with QLinearConv, QLinearAdd, QLinearGlobalAveragePool,
MaxPool and QGemm, whose last one gives floating point, and run without and with optimisations. Every bit of the outputs
must be the same. Needs the PyPI packages onnx, onnxruntime, numpy and safetensors, and a processor with VNNI.
"""

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

f = np.float32


class Writer:
    def __init__(self, file):
        data = Path(file).read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        self.said = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["sapwood"])
        self.tensors = load_file(file)
        scheme = self.said["calibrated"]["activations"]
        self.low, self.high = scheme["integers"]
        self.symmetric = scheme["symmetry"] == "symmetric"
        self.type = np.int8 if scheme["dtype"] == "i8" else np.uint8
        self.nodes, self.initial, self.count = [], {}, 0

    def constant(self, value, name=None):
        self.count += 1
        name = name or f"c{self.count}"
        self.initial[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def grid(self, value):
        """Scale and zero point of a value by its range, as ONNX Runtime's calibration has them."""
        low, high = (self.said["ranges"][value][key] for key in ("min", "max"))
        low, high = np.float64(min(f(low), 0)), np.float64(max(f(high), 0))
        if self.symmetric:
            high = max(high, -low)
            low = -high
        scale = (high - low) / (self.high - self.low)
        zero = round((self.low + self.high) / 2) if self.symmetric else np.rint(self.low - low / scale)
        return f(scale), self.type(zero)

    def of(self, value):
        scale, zero = self.grid(value)
        return [self.constant(scale), self.constant(zero)]

    def add(self, op, inputs, domain="", **attributes):
        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def bent(self, x, value):
        """Behind an activation: where integers are around 0, nothing else cuts them off there."""
        return self.add("Relu", [x]) if self.symmetric and (value or "").startswith("relu") else x

    def weights(self, layer, x_value):
        scale = self.tensors[f"{layer}.weight_scale"]
        weight = self.tensors[f"{layer}.weight"]
        bias = self.tensors.get(f"{layer}.bias", np.zeros(weight.shape[0], f))
        whole = np.rint((bias / (self.grid(x_value)[0] * scale)).astype(f))
        bias = np.clip(whole.astype(np.float64), -(2**31), 2**31 - 1).astype(np.int32)
        zero = self.constant(np.zeros(scale.shape, np.int8))
        return self.constant(weight), self.constant(scale), zero, self.constant(bias)

    def conv(self, layer, x, x_value, y_value, stride=1, padding=0):
        w, scale, zero, bias = self.weights(layer, x_value)
        kernel = self.tensors[f"{layer}.weight"].shape[2:]
        inputs = [x, *self.of(x_value), w, scale, zero, *self.of(y_value), bias]
        y = self.add("QLinearConv", inputs, kernel_shape=kernel, strides=[stride] * 2, pads=[padding] * 4)
        return self.bent(y, y_value)

    def linear(self, layer, x, x_value, y_value=None):
        w, scale, zero, bias = self.weights(layer, x_value)
        inputs = [x, *self.of(x_value), w, scale, zero, bias] + (self.of(y_value) if y_value else [])
        return self.bent(self.add("QGemm", inputs, "com.microsoft", transB=1), y_value)

    def sum(self, a, a_value, b, b_value, y_value):
        y = self.add("QLinearAdd", [a, *self.of(a_value), b, *self.of(b_value), *self.of(y_value)], "com.microsoft")
        return self.bent(y, y_value)


def lenet_300_100(w, x):
    x = w.add("Flatten", [x])
    x = w.linear("fc1", x, "input", "relu")
    x = w.linear("fc2", x, "relu", "relu_1")
    return w.linear("fc3", x, "relu_1")


def lenet_5(w, x):
    pool = dict(kernel_shape=[2, 2], strides=[2, 2])
    x = w.add("MaxPool", [w.conv("conv1", x, "input", "relu")], **pool)
    x = w.add("MaxPool", [w.conv("conv2", x, "relu", "relu_1")], **pool)
    x = w.linear("fc1", w.add("Flatten", [x]), "relu_1", "relu_2")
    return w.linear("fc2", x, "relu_2")


def resnet_20(w, x):
    names = iter(["relu"] + [f"relu_{number}" for number in range(1, 30)])
    value = next(names)
    x = w.conv("conv1", x, "input", value, padding=1)
    for stage in (1, 2, 3):
        for index in range(3):
            name, stride = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            inner, result = next(names), next(names)
            y = w.conv(f"{name}.conv1", x, value, inner, stride, 1)
            y = w.conv(f"{name}.conv2", y, inner, f"{name}.conv2", 1, 1)
            shortcut, of = x, value
            if f"{name}.downsample.0.weight" in w.tensors:
                of = f"{name}.downsample.0"
                shortcut = w.conv(of, x, value, of, stride)
            x, value = w.sum(y, f"{name}.conv2", shortcut, of, result), result
    mean = "global_avg_pool"
    x = w.add("QLinearGlobalAveragePool", [x, *w.of(value), *w.of(mean)], "com.microsoft", channels_last=0)
    return w.linear("fc", w.add("Flatten", [x]), mean)


def main(program, file, images=16):
    w = Writer(file)
    network = {"lenet-300-100": lenet_300_100, "lenet-5": lenet_5, "resnet-20": resnet_20}[w.said["model"]]
    shape = [int(images), *w.said["input"]]
    x = np.random.default_rng(1).normal(0, 1, shape).astype(f)
    output = network(w, w.add("QuantizeLinear", ["input", *w.of("input")]))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("input", shape), (output, None))]
    graph = helper.make_graph(w.nodes, "g", values[:1], values[1:], list(w.initial.values()))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = f"{folder}/x.safetensors", f"{folder}/y.safetensors"
        save_file({"input": x}, inputs)
        subprocess.run([program, "forward", "--exact", "--weights", file, "--input", inputs, "--out", outputs], check=True)
        ours = load_file(outputs)["logits"]
    wrong = 0
    levels = onnxruntime.GraphOptimizationLevel
    for name, level in (("without", levels.ORT_DISABLE_ALL), ("with", levels.ORT_ENABLE_ALL)):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        theirs = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, {"input": x})[0]
        differ = int((ours.view(np.int32) != theirs.view(np.int32)).sum())
        far = float(np.abs(ours - theirs).max())
        wrong += differ
        print(f"{w.said['model']}, {name} optimisations: {differ} of {theirs.size} outputs differ, by at most {far:g}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
