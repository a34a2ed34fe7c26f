"""Networks of integers between ONNX Runtime and a program of Sapwood, both ways; exit 1 on a difference.

    python3 check_quantised_onnx.py PROGRAM [NETWORK ...]
    python3 check_quantised_onnx.py write      # small files of both forms, and their answers, for the tests of crates/onnx

Each network, with random batch statistics and biases (equal ones are merged behind `Identity`, and ONNX Runtime's quantiser then
leaves their convolutions in floating point), is quantised by ONNX Runtime, a scale for each channel and bytes for values, in
both of its forms. PROGRAM reads that file and computes it with integers (`forward --exact`): as QOperator nodes every integer of
the output has to be ONNX Runtime's, as QDQ the share of equal ones is printed. What PROGRAM writes (`export --form qdq` and
`--form qoperator`) has to pass ONNX's checker, give in ONNX Runtime the integers that PROGRAM computes, and leave no Conv in
floating point. Needs the PyPI packages torch, torchvision, onnx, onnxruntime and safetensors, and a processor with VNNI.
"""

import json
import logging
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import torch_or_exit  # noqa: F401
import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from safetensors.numpy import load_file, save_file

import zoo
from onnx_files import randomised

# Of those that take any size a small one, since the integers are computed by scalar code.
NETWORKS = {
    "lenet-300-100": (lambda: zoo.build("lenet-300-100"), (1, 28, 28)),
    "lenet-5": (lambda: zoo.build("lenet-5"), (1, 28, 28)),
    "resnet-20": (lambda: zoo.build("resnet-20"), (3, 32, 32)),
    "vgg-16": (lambda: zoo.build("vgg-16"), (3, 32, 32)),
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), (3, 64, 64)),
    "mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(weights=None), (3, 64, 64)),
    "squeezenet1_1": (lambda: torchvision.models.squeezenet1_1(weights=None), (3, 64, 64)),
    "mobilenet_v3_large": (lambda: torchvision.models.mobilenet_v3_large(weights=None), (3, 64, 64)),
    "shufflenet_v2_x1_0": (lambda: torchvision.models.shufflenet_v2_x1_0(weights=None), (3, 64, 64)),
    "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(weights=None), (3, 64, 64)),
    "densenet121": (lambda: torchvision.models.densenet121(weights=None), (3, 64, 64)),
}
FORMS = {"qdq": QuantFormat.QDQ, "qoperator": QuantFormat.QOperator}
LEVELS = onnxruntime.GraphOptimizationLevel


class Examples(CalibrationDataReader):
    def __init__(self, x):
        self.rows = iter([{"input": x[at : at + 8]} for at in range(0, len(x), 8)])

    def get_next(self):
        return next(self.rows, None)


def run(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def session(path, level, profile=None):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = level, 3
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(path, x, level=LEVELS.ORT_ENABLE_ALL):
    return session(path, level).run(None, {"input": x})[0].reshape(len(x), -1)


def operations(path, x):
    """How often which operation ran, by ONNX Runtime's own profile."""
    with tempfile.TemporaryDirectory() as folder:
        profiled = session(path, LEVELS.ORT_ENABLE_ALL, Path(folder) / "p")
        profiled.run(None, {"input": x[:1]})
        events = json.loads(Path(profiled.end_profiling()).read_text())
    return Counter(event["args"]["op_name"] for event in events if event["cat"] == "Node" and "op_name" in event["args"] and event["name"].endswith("_kernel_time"))


def last_grid(path):
    """Scale and zero point of the last integers of a file, or nothing where it ends in floating point."""
    graph = onnx.load(path).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    node = made[graph.output[0].name]
    while node.op_type == "Identity":
        node = made[node.input[0]]
    return [values[name] for name in node.input[1:3]] if node.op_type == "DequantizeLinear" else None


def integers(values, grid):
    return np.rint(values.astype(np.float64) / grid[0] + grid[1]).astype(np.int64)


def check(program, name, folder):
    torch.manual_seed(7)
    make, shape = NETWORKS[name]
    net = randomised(make()).eval()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)) and layer.bias is not None:
                layer.bias.uniform_(-0.5, 0.5)
    random = np.random.default_rng(1)
    x = random.normal(0, 1, (4, *shape)).astype(np.float32)
    float_file, inputs, outputs = folder / "float.onnx", folder / "x.safetensors", folder / "y.safetensors"
    with torch.no_grad():
        axes = {"input": {0: "n"}, "logits": {0: "n"}}
        torch.onnx.export(net, torch.from_numpy(x), str(float_file), opset_version=17, dynamo=False, input_names=["input"], output_names=["logits"], dynamic_axes=axes)
    save_file({"input": x}, inputs)
    wrong = 0
    for form, format in FORMS.items():
        theirs = folder / f"theirs-{form}.onnx"
        examples = Examples(random.normal(0, 1, (32, *shape)).astype(np.float32))
        quantize_static(str(float_file), str(theirs), examples, quant_format=format, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        grid, by = last_grid(theirs), "the program"
        try:
            run(program, "forward", "--exact", "--weights", theirs, "--input", inputs, "--out", outputs)
            ours = load_file(outputs)["logits"].reshape(len(x), -1)
        except subprocess.CalledProcessError as refused:
            ours, by = answers(theirs, x), "ONNX Runtime, since the program refuses: " + refused.stderr.decode().strip().splitlines()[-1]

        def differ(path, level=LEVELS.ORT_ENABLE_ALL):
            found = answers(path, x, level)
            return int((integers(found, grid) != integers(ours, grid)).sum() if grid else (found != ours).sum()), found.size

        count, size = differ(theirs)
        wrong += count if form == "qoperator" else 0
        kinds = len(np.unique(integers(ours, grid))) if grid else "any"
        print(f"{name:14} theirs {form:9}: {count} of {size} outputs ({kinds} integers) differ, {dict(operations(theirs, x))}; computed by {by}", flush=True)
        for written in FORMS:
            path = folder / f"ours-{written}.onnx"
            run(program, "export", "--weights", theirs, "--form", written, "--out", path)
            onnx.checker.check_model(str(path), full_check=written == "qdq")
            (count, size), (plain, _), ran = differ(path), differ(path, LEVELS.ORT_DISABLE_ALL), operations(path, x)
            wrong += count + (plain if written == "qoperator" else 0) + ran["Conv"]
            print(f"{name:14}   ours {written:9}: {count} of {size} outputs differ ({plain} not optimised), {dict(ran)}", flush=True)
    return wrong


class Small(torch.nn.Module):
    """A residual block, pools and a classifier, in a few hundred weights."""

    def __init__(self):
        super().__init__()
        self.stem, self.bn = torch.nn.Conv2d(1, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4)
        self.deep, self.flat = torch.nn.Conv2d(4, 4, 3, padding=1, groups=4), torch.nn.Conv2d(4, 4, 1)
        self.fc = torch.nn.Linear(16, 3)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.bn(self.stem(x))), 2)
        x = torch.relu(self.flat(torch.nn.functional.hardtanh(self.deep(x), 0, 6)) + x)
        return self.fc(torch.nn.functional.avg_pool2d(x, 2, ceil_mode=True).flatten(1))


def write():
    """The input, and the integers of the output before any is a number, are those of ONNX Runtime."""
    place = Path(__file__).resolve().parents[2] / "crates/onnx/tests/quantised"
    place.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    net, random = randomised(Small()).eval(), np.random.default_rng(5)
    x = random.normal(0, 1, (2, 1, 8, 8)).astype(np.float32)
    lines = {"input": [float(value) for value in x.ravel()]}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = f"{folder}/float.onnx"
        torch.onnx.export(net, torch.from_numpy(x), path, opset_version=17, dynamo=False, input_names=["input"], output_names=["logits"], dynamic_axes={"input": {0: "n"}})
        kinds = dict(u8=(QuantType.QUInt8, QuantType.QInt8, False), s8=(QuantType.QInt8, QuantType.QInt8, True))
        for kind, (activations, weights, symmetric) in kinds.items():
            for form, format in FORMS.items():
                file = place / f"{form}-{kind}.onnx"
                examples = Examples(np.random.default_rng(6).normal(0, 1, (32, 1, 8, 8)).astype(np.float32))
                options = {"ActivationSymmetric": symmetric}
                quantize_static(path, str(file), examples, quant_format=format, per_channel=True, activation_type=activations, weight_type=weights, extra_options=options)
                lines[file.stem] = integers(answers(file, x), last_grid(file)).ravel().tolist()
    (place / "answers.json").write_text(json.dumps(lines) + "\n")


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    program, *names = sys.argv[1:]
    if program == "write":
        return write()
    wrong = 0
    for name in names or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            wrong += check(program, name, Path(folder))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
