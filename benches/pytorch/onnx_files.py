"""Write small ONNX files by PyTorch's TorchScript exporter, and onnx.json beside them: what a reader of ONNX has to cope with.

Weights and batch statistics are random, from a seed. Each file has the logits that ONNX Runtime computes for `fill`'s
input; of the file for training, which ONNX Runtime would normalise with the batch, those of PyTorch in evaluation mode with the
statistics that the file holds.
Needs the PyPI packages `onnx` and `onnxruntime` beside `torch`.
"""

import json
import warnings

import torch_or_exit  # noqa: F401
import torch
import fill
from expected_folder import EXPECTED, number

try:
    import onnx
    import onnxruntime
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

BATCH = 2


class Block(torch.nn.Module):
    """A residual block with squeeze and excitation, in which channels are grouped."""

    def __init__(self, width, activation):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(width, 2 * width, 3, padding=1, groups=width, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(2 * width, eps=1e-3)
        self.act = activation()
        self.gate = torch.nn.Sequential(torch.nn.Conv2d(2 * width, 2 * width, 1), torch.nn.Hardsigmoid())
        self.conv2 = torch.nn.Conv2d(2 * width, width, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.act(self.bn1(self.conv1(x)))
        y = y * self.gate(y.mean((2, 3), keepdim=True))
        return x + self.bn2(self.conv2(y))


class Net(torch.nn.Module):
    """Every operation that a graph of today can say and PyTorch can export."""

    def __init__(self, activation):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.layer1 = torch.nn.Sequential(Block(4, activation), Block(4, activation))
        self.pool = torch.nn.MaxPool2d(3, 2, 1)
        self.mean = torch.nn.AvgPool2d(2)
        self.head = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(16, 8), activation(), torch.nn.Linear(8, 5))

    def forward(self, x):
        x = self.mean(self.pool(self.layer1(torch.relu(self.stem(x)))))
        return self.head(x.view(x.size(0), -1))


EVAL, TRAINING = torch.onnx.TrainingMode.EVAL, torch.onnx.TrainingMode.TRAINING
FILES = (
    ("small-opset13.onnx", torch.nn.Hardswish, 13, EVAL),
    ("small-opset17.onnx", torch.nn.GELU, 17, EVAL),
    ("small-opset9.onnx", torch.nn.ReLU6, 9, EVAL),
    ("small-training.onnx", torch.nn.ReLU6, 17, TRAINING),
)


def randomised(net):
    """With batch statistics that are no defaults."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for value, low in ((module.weight, 0.5), (module.running_var, 0.5), (module.bias, -0.5), (module.running_mean, -0.5)):
                    value.copy_(torch.rand_like(value) + low)
    return net


def main():
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    x = torch.from_numpy(fill.images("input", (BATCH, 3, 16, 16)))
    lines = []
    for file, activation, opset, mode in FILES:
        torch.manual_seed(opset)
        net = randomised(Net(activation)).eval()
        path = EXPECTED / file
        with torch.no_grad():
            logits = net(x)
            axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
            torch.onnx.export(
                net,
                x,
                path,
                dynamo=False,
                opset_version=opset,
                training=mode,
                do_constant_folding=mode == EVAL,
                input_names=["input"],
                output_names=["logits"],
                dynamic_axes=axes,
            )
        if mode == EVAL:
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            found = torch.from_numpy(session.run(None, {"input": x.numpy()})[0])
            assert (found - logits).norm() < 1e-5 * logits.norm(), file
            logits = found
        else:
            # Tracing in training mode has moved the statistics: those in the file are what it is the network of.
            stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
            state = net.eval().state_dict()
            state.update({name: torch.from_numpy(stored[name].copy()) for name in state if name in stored})
            assert all(name in stored for name in state if "running" in name or name.endswith("weight")), file
            net.load_state_dict(state)
            with torch.no_grad():
                logits = net(x)
        layers = [name for name in net.state_dict() if name.endswith(".weight") and net.state_dict()[name].dim() > 1]
        lines.append(
            json.dumps(
                {
                    "file": file,
                    "input": [3, 16, 16],
                    "batch": BATCH,
                    "layers": [name.removesuffix(".weight") for name in layers],
                    "logits": [number(value) for value in logits.flatten().tolist()],
                }
            )
        )
        print(file, path.stat().st_size, "bytes")
    (EXPECTED / "onnx.json").write_text('{"files": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
