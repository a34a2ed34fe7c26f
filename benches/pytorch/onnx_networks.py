"""Networks that people bring, with random weights and random batch statistics, and PyTorch's ways of writing them as ONNX.

    python3 onnx_networks.py FOLDER [NETWORK ...]      # writes each network by each exporter

Needs the PyPI packages `torchvision`, `onnx` and `onnxscript` beside `torch`.
"""

import sys
import warnings
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch
from torch import nn

try:
    import onnx  # noqa: F401
    import torchvision
except ImportError as missing:
    raise SystemExit(f"ONNX side skipped: the Python package `{missing.name}` is not installed")

from onnx_files import randomised


class UNet(nn.Module):
    """Two levels, with a transposed convolution, a bilinear resize and group normalisation on the way up."""

    def __init__(self):
        super().__init__()

        def block(inputs, outputs):
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.SiLU(),
                nn.Conv2d(outputs, outputs, 3, padding=2, dilation=2), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1),
            )

        self.down1, self.down2, self.middle = block(3, 8), block(8, 16), block(16, 32)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2), nn.Conv2d(16, 8, 1)
        self.merge2, self.merge1 = block(32, 16), block(16, 8)
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(nn.functional.max_pool2d(a, 2))
        c = self.middle(nn.functional.max_pool2d(b, 3, 2, 1, ceil_mode=True))
        b = self.merge2(torch.cat([self.up2(c)[:, :, : b.shape[2], : b.shape[3]], b], 1))
        up = nn.functional.interpolate(self.up1(b), scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(self.merge1(torch.cat([up, a], 1)))


class OneDimensional(nn.Module):
    """A network on sequences: strided, dilated, transposed and grouped convolutions in one dimension."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(2, 8, 7, stride=2, padding=3), nn.BatchNorm1d(8), nn.ELU(), nn.MaxPool1d(3, 2, 1),
            nn.Conv1d(8, 16, 3, padding=2, dilation=2, groups=4), nn.PReLU(16), nn.ConvTranspose1d(16, 8, 4, stride=2, padding=1),
            nn.InstanceNorm1d(8, affine=True), nn.Tanh(), nn.AvgPool1d(3, 2, 1), nn.Softplus(),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 17, 10), nn.LogSoftmax(1))

    def forward(self, x):
        return self.head(self.body(nn.functional.pad(x, (3, 1), mode="reflect")))


class Yolo(nn.Module):
    """A detector's shape: SiLU, split, concat, pools in a row, nearest resize, and three outputs."""

    def __init__(self):
        super().__init__()

        def conv(inputs, outputs, kernel=1, stride=1):
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs, 1e-3), nn.SiLU()
            )

        self.stem, self.p3, self.p4, self.p5 = conv(3, 8, 3, 2), conv(8, 16, 3, 2), conv(16, 32, 3, 2), conv(32, 64, 3, 2)
        self.split, self.join = conv(64, 32), conv(48, 64)
        self.spp, self.after = conv(64, 32), conv(128, 64)
        self.merge4, self.merge3 = conv(96, 32), conv(48, 16)
        self.heads = nn.ModuleList(nn.Conv2d(width, 18, 1) for width in (16, 32, 64))

    def forward(self, x):
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        a, b = self.split(p5).chunk(2, 1)
        p5 = self.join(torch.cat([a, b, a + b], 1))
        y = [self.spp(p5)]
        for _ in range(3):
            y.append(nn.functional.max_pool2d(y[-1], 5, 1, 2))
        p5 = self.after(torch.cat(y, 1))
        p4 = self.merge4(torch.cat([nn.functional.interpolate(p5, scale_factor=2), p4], 1))
        p3 = self.merge3(torch.cat([nn.functional.interpolate(p4, scale_factor=2), p3], 1))
        outputs = []
        for head, value in zip(self.heads, (p3, p4, p5)):
            n, _, h, w = value.shape
            outputs.append(torch.sigmoid(head(value).view(n, 3, 6, h, w).permute(0, 1, 3, 4, 2)))
        return tuple(outputs)


OWN = {"unet": (UNet, (3, 48, 64)), "one_dimensional": (OneDimensional, (2, 61)), "yolo": (Yolo, (3, 64, 96))}
NETWORKS = (
    "resnet18", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "efficientnet_b0", "mnasnet1_0", "squeezenet1_1",
    "regnet_y_400mf", "densenet121", "googlenet", "convnext_tiny", "resnet50", "resnext50_32x4d", "alexnet", "vgg11_bn", *OWN,
)
# TorchScript's exporter at two opsets, the default one at two; the last with the weights beside the file.
EXPORTERS = ("torchscript-13", "torchscript-17", "dynamo-18", "dynamo-20")


def network(name):
    """The network in evaluation mode, and the shape of an example."""
    torch.manual_seed(7)
    make, shape = OWN.get(name, (getattr(torchvision.models, name, None), (3, 224, 224)))
    options = {} if name in OWN else {"weights": None}
    if name == "googlenet":
        options |= {"aux_logits": False, "init_weights": False}
    return randomised(make(**options)).eval(), shape


def export(net, x, path, exporter, training=False):
    """Writes a network for batches of any size."""
    kind, opset = exporter.split("-")
    warnings.filterwarnings("ignore")
    # A batch of more than one: what an exporter takes for a constant 1 cannot be told from a batch of one.
    shared = {"input_names": ["input"], "opset_version": int(opset)}
    with torch.no_grad():
        if kind == "dynamo":
            sizes = ({0: torch.export.Dim("n", min=1, max=4096)},)
            torch.onnx.export(
                net, (x,), path, dynamo=True, dynamic_shapes=sizes, external_data=exporter == "dynamo-20", verbose=False, **shared
            )
        else:
            mode = torch.onnx.TrainingMode.TRAINING if training else torch.onnx.TrainingMode.EVAL
            axes = {"input": {0: "n"}}
            torch.onnx.export(
                net, x, path, dynamo=False, dynamic_axes=axes, training=mode, do_constant_folding=not training, **shared
            )


def main():
    folder, *names = sys.argv[1:]
    for name in names or NETWORKS:
        net, shape = network(name)
        x = torch.randn(2, *shape)
        for exporter in EXPORTERS:
            path = Path(folder) / f"{name}-{exporter}.onnx"
            try:
                export(net, x, path, exporter)
                print(path, path.stat().st_size, flush=True)
            except Exception as error:
                print(path, "NOT WRITTEN:", str(error).splitlines()[0], flush=True)


if __name__ == "__main__":
    main()
