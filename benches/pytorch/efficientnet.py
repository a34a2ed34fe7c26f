"""EfficientNet-B0 (Tan & Le 2019, table 1) under the names of timm and of lukemelas, with PyTorch's padding or TensorFlow's."""

import torch_or_exit  # noqa: F401
import torch.nn as nn
import torch.nn.functional as F

# Expansion, kernel, stride of the first, channels, blocks.
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))
TIMM = {"stem": ("conv_stem", "bn1"), "head": ("conv_head", "bn2"), "classifier": "classifier"}
LUKEMELAS = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1"), "classifier": "_fc"}


class Same(nn.Conv2d):
    """TensorFlow's padding: what makes the stride divide the size, the odd row behind."""

    def forward(self, x):
        around = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            around += [more // 2, more - more // 2]
        return super().forward(F.pad(x, around))


def block_names(timm, stage, block, number, expands):
    """The expanding, depthwise, squeezing and projecting layers."""
    if not timm:
        of = f"_blocks.{number}.".__add__
        return [(of("_expand_conv"), of("_bn0")), (of("_depthwise_conv"), of("_bn1")), (of("_se_reduce"), of("_se_expand")), (of("_project_conv"), of("_bn2"))]
    of = f"blocks.{stage}.{block}.".__add__
    squeeze = (of("se.conv_reduce"), of("se.conv_expand"))
    if expands:
        return [(of("conv_pw"), of("bn1")), (of("conv_dw"), of("bn2")), squeeze, (of("conv_pwl"), of("bn3"))]
    return [None, (of("conv_dw"), of("bn1")), squeeze, (of("conv_pw"), of("bn2"))]


class EfficientNetB0(nn.Module):
    def __init__(self, timm, tensorflow, classes):
        super().__init__()
        names, self.tensorflow, self.blocks_of = TIMM if timm else LUKEMELAS, tensorflow, []
        self.names = names
        self.conv_bn(names["stem"], 3, 32, 3, 2)
        width, number = 32, 0
        for stage, (expand, kernel, stride, channels, count) in enumerate(STAGES):
            for block in range(count):
                step = stride if block == 0 else 1
                layers = block_names(timm, stage, block, number, expand > 1)
                hidden = width * expand
                if expand > 1:
                    self.conv_bn(layers[0], width, hidden, 1, 1)
                self.conv_bn(layers[1], hidden, hidden, kernel, step, hidden)
                self.put(layers[2][0], nn.Conv2d(hidden, width // 4, 1))
                self.put(layers[2][1], nn.Conv2d(width // 4, hidden, 1))
                self.conv_bn(layers[3], hidden, channels, 1, 1)
                self.blocks_of.append((layers, expand > 1, step == 1 and width == channels))
                width, number = channels, number + 1
        self.conv_bn(names["head"], 320, 1280, 1, 1)
        self.put(names["classifier"], nn.Linear(1280, classes))

    def put(self, path, layer):
        *above, last = path.split(".")
        module = self
        for part in above:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        module.add_module(last, layer)

    def conv_bn(self, names, inputs, outputs, kernel, stride, groups=1):
        if self.tensorflow:
            conv, norm = Same(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs, 1e-3, 0.01)
        else:
            conv, norm = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)
        self.put(names[0], conv)
        self.put(names[1], norm)

    def run(self, names, x):
        return self.get_submodule(names[1])(self.get_submodule(names[0])(x))

    def forward(self, x):
        x = F.silu(self.run(self.names["stem"], x))
        for (expand, depthwise, squeeze, project), expands, same in self.blocks_of:
            y = F.silu(self.run(expand, x)) if expands else x
            y = F.silu(self.run(depthwise, y))
            s = F.silu(self.get_submodule(squeeze[0])(y.mean((2, 3), keepdim=True)))
            y = self.run(project, y * self.get_submodule(squeeze[1])(s).sigmoid())
            x = x + y if same else y
        x = F.silu(self.run(self.names["head"], x)).mean((2, 3))
        return self.get_submodule(self.names["classifier"])(x)

