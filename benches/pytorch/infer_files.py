"""Write networks of the zoo, and torchvision's EfficientNet-B0, as ONNX files to be timed: PyTorch's weights, random batch statistics, a fixed seed.

`--sparsity 0.9` zeroes that fraction of every weight but those of the first convolution and the last layer, alike in each and drawn with
seed 0; `--blocks 2` zeroes pairs of neighbouring outputs together. `--int8` writes `*-int8-*.onnx` by ONNX Runtime's own quantiser (QDQ, weights in i8 for each
output, values in u8), calibrated on eight images of noise; `--seven-bits` gives weights one bit less, for processors that cut off sums of two products. Needs the PyPI package `onnx` beside `torch`, `torchvision` for `efficientnet-b0`, and `onnxruntime`
for integers.
"""

import argparse
import warnings
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch
import zoo


def randomised(net):
    """With batch statistics that are no defaults, so that no two biases are equal."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for value, low in ((module.weight, 0.5), (module.running_var, 0.5), (module.bias, -0.5), (module.running_mean, -0.5)):
                    value.copy_(torch.rand_like(value) + low)
    return net


def prune(net, sparsity, blocks):
    """Zeroes a fraction of each weight but the first and the last one."""
    layers = [m for m in net.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in layers[1:-1] if any(isinstance(m, torch.nn.Conv2d) for m in layers) else layers[:-1]:
            weight = layer.weight
            if weight.dim() == 4 and weight.shape[1] == 1 and layer.groups > 1:
                continue
            rows = weight.shape[0] // blocks
            score = torch.rand(rows, weight[0].numel(), generator=generator)
            gone = round(sparsity * score.numel())
            mask = torch.ones(score.numel())
            mask[score.flatten().argsort()[:gone]] = 0
            mask = mask.view(rows, -1).repeat_interleave(blocks, 0)
            mask = torch.cat([mask, torch.ones(weight.shape[0] - mask.shape[0], mask.shape[1])])
            weight.mul_(mask.view_as(weight))


def quantise(path, to, size, seven_bits):
    """The same network in integers."""
    import numpy
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Noise(CalibrationDataReader):
        def __init__(self):
            drawn = numpy.random.default_rng(0)
            self.images = iter([{"input": drawn.uniform(-1, 1, size).astype(numpy.float32)} for _ in range(8)])

        def get_next(self):
            return next(self.images, None)

    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(path, to, Noise(), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=seven_bits, **kinds)


def build(name):
    """A network, and what comes into it."""
    if name == "efficientnet-b0":
        import torchvision

        return torchvision.models.efficientnet_b0(), (3, 224, 224)
    return zoo.build(name), zoo.ROWS[name].input


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True, help="names of the zoo, separated by commas")
    parser.add_argument("--batches", default="1", help="numbers of images, separated by commas")
    parser.add_argument("--sparsity", type=float, default=0.0)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--seven-bits", action="store_true")
    parser.add_argument("--out", required=True, help="a folder")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in arguments.models.split(","):
        torch.manual_seed(0)
        net, size = build(name)
        net = randomised(net).eval()
        prune(net, arguments.sparsity, arguments.blocks)
        for batch in map(int, arguments.batches.split(",")):
            x = torch.zeros(batch, *size)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                form = "dense" if arguments.sparsity == 0 else f"{round(100 * arguments.sparsity)}" + ("" if arguments.blocks == 1 else f"-{arguments.blocks}x1")
                path = out / f"{name}-{form}-b{batch}.onnx"
                torch.onnx.export(net, x, str(path), opset_version=17, dynamo=False, input_names=["input"], output_names=["logits"])
                if arguments.int8:
                    quantise(path, out / f"{name}-int8-b{batch}.onnx", tuple(x.shape), arguments.seven_bits)


if __name__ == "__main__":
    main()
