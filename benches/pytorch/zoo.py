"""The zoo as PyTorch modules: the state_dict names, shapes and forward passes that Sapwood's own zoo must match.

`build("resnet-20", width=0.25)` makes a network; `ROWS` holds each row's input, classes and published counts.
Widths: every hidden width becomes ceil(width * hidden); inputs and classes stay. In a bottleneck the inner width
is scaled and the outer one is four times that.
"""

import math
from collections import OrderedDict, namedtuple

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F

Row = namedtuple("Row", "input classes parameters weights macs")

ROWS = OrderedDict(
    [
        ("lenet-300-100", Row((1, 28, 28), 10, 266_610, 266_200, 266_200)),
        ("lenet-5", Row((1, 28, 28), 10, 431_080, 430_500, 2_293_000)),
        ("conv-2", Row((3, 32, 32), 10, 4_301_642, 4_300_992, 43_780_608)),
        ("conv-4", Row((3, 32, 32), 10, 2_425_930, 2_425_024, 98_306_560)),
        ("conv-6", Row((3, 32, 32), 10, 2_262_602, 2_261_184, 153_881_088)),
        ("vgg-11", Row((3, 32, 32), 10, 9_231_114, 9_222_848, 152_769_536)),
        ("vgg-13", Row((3, 32, 32), 10, 9_416_010, 9_407_168, 228_267_008)),
        ("vgg-16", Row((3, 32, 32), 10, 14_728_266, 14_715_584, 313_201_664)),
        ("vgg-19", Row((3, 32, 32), 10, 20_040_522, 20_024_000, 398_136_320)),
        ("resnet-20", Row((3, 32, 32), 10, 272_474, 270_896, 40_813_184)),
        ("resnet-32", Row((3, 32, 32), 10, 466_906, 464_432, 69_124_736)),
        ("resnet-44", Row((3, 32, 32), 10, 661_338, 657_968, 97_436_288)),
        ("resnet-56", Row((3, 32, 32), 10, 855_770, 851_504, 125_747_840)),
        ("resnet-110", Row((3, 32, 32), 10, 1_730_714, 1_722_416, 253_149_824)),
        ("resnet-18", Row((3, 224, 224), 1000, 11_689_512, 11_678_912, 1_814_073_344)),
        ("resnet-34", Row((3, 224, 224), 1000, 21_797_672, 21_779_648, 3_663_761_408)),
        ("resnet-50", Row((3, 224, 224), 1000, 25_557_032, 25_502_912, 4_089_184_256)),
        ("resnet-18-small", Row((3, 32, 32), 10, 11_173_962, 11_164_352, 555_422_720)),
        ("resnet-34-small", Row((3, 32, 32), 10, 21_282_122, 21_265_088, 1_159_402_496)),
        ("resnet-50-small", Row((3, 32, 32), 10, 23_520_842, 23_467_712, 1_297_829_888)),
        ("resnext-50", Row((3, 224, 224), 1000, 25_028_904, 24_959_680, 4_230_479_872)),
        ("wide-resnet-50", Row((3, 224, 224), 1000, 68_883_240, 68_814_016, 11_398_021_120)),
        ("mobilenet-v2", Row((3, 224, 224), 1000, 3_504_872, 3_469_760, 300_774_272)),
        ("mobilenet-v3-large", Row((3, 224, 224), 1000, 5_483_032, 5_451_272, 216_589_760)),
        ("mobilenet-v3-small", Row((3, 224, 224), 1000, 2_542_856, 2_525_832, 56_510_400)),
        ("densenet-121", Row((3, 224, 224), 1000, 7_978_856, 7_894_208, 2_834_161_664)),
        ("efficientnet-b0", Row((3, 224, 224), 1000, 5_288_548, 5_236_192, 385_814_752)),
        ("timm-efficientnet-b0", Row((3, 224, 224), 1000, 5_288_548, 5_236_192, 385_814_752)),
        ("tf-efficientnet-b0", Row((3, 224, 224), 1000, 5_288_548, 5_236_192, 385_814_752)),
        ("lukemelas-efficientnet-b0", Row((3, 224, 224), 1000, 5_288_548, 5_236_192, 385_814_752)),
        ("vit-tiny", Row((3, 224, 224), 1000, 5_717_416, 5_647_872, 1_074_851_328)),
        ("vit-small", Row((3, 224, 224), 1000, 22_050_664, 21_912_576, 4_241_218_560)),
        ("vit-base", Row((3, 224, 224), 1000, 86_567_656, 86_292_480, 16_848_500_736)),
        ("vit-b-16", Row((3, 224, 224), 1000, 86_567_656, 86_292_480, 16_848_500_736)),
        ("vit-small-cifar", Row((3, 32, 32), 10, 2_693_578, 2_665_344, 173_115_264)),
        ("life-net", Row((1, 32, 32), 1, None, None, None)),
    ]
)

CONV_BLOCKS = {"conv-2": 1, "conv-4": 2, "conv-6": 3}
VGG_CONVS = {
    "vgg-11": (1, 1, 2, 2, 2),
    "vgg-13": (2, 2, 2, 2, 2),
    "vgg-16": (2, 2, 3, 3, 3),
    "vgg-19": (2, 2, 4, 4, 4),
}
CIFAR_BLOCKS = {"resnet-20": 3, "resnet-32": 5, "resnet-44": 7, "resnet-56": 9, "resnet-110": 18}
DEEP_BLOCKS = {"resnet-18": (2, 2, 2, 2), "resnet-34": (3, 4, 6, 3), "resnet-50": (3, 4, 6, 3)}
# torchvision's own, at full width alone.
MOBILE = {
    "mobilenet-v2": "mobilenet_v2",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "mobilenet-v3-small": "mobilenet_v3_small",
    "densenet-121": "densenet121",
    "efficientnet-b0": "efficientnet_b0",
}
# Under timm's names or lukemelas', and whether it is TensorFlow's.
EFFICIENT = {
    "timm-efficientnet-b0": (True, False),
    "tf-efficientnet-b0": (True, True),
    "lukemelas-efficientnet-b0": (False, True),
}
# Heads, blocks and the side of a patch. `vit-b-16` is torchvision's own.
VITS = {
    "vit-tiny": (3, 12, 16),
    "vit-small": (6, 12, 16),
    "vit-base": (12, 12, 16),
    "vit-b-16": (12, 12, 16),
    "vit-small-cifar": (3, 6, 4),
}


def scaled(hidden, width):
    """ceil(width * hidden); the small allowance keeps 0.1 * 300 at 30 in spite of floating point."""
    return max(1, math.ceil(width * hidden - 1e-9))


class LeNet300(nn.Module):
    def __init__(self, input, classes, width):
        super().__init__()
        first, second = scaled(300, width), scaled(100, width)
        self.fc1 = nn.Linear(math.prod(input), first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, classes)

    def forward(self, x):
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class LeNet5(nn.Module):
    def __init__(self, input, classes, width):
        super().__init__()
        channels, h, w = input
        first, second, hidden = scaled(20, width), scaled(50, width), scaled(500, width)
        self.conv1 = nn.Conv2d(channels, first, 5)
        self.conv2 = nn.Conv2d(first, second, 5)
        h, w = (((side - 4) // 2 - 4) // 2 for side in (h, w))
        self.fc1 = nn.Linear(second * h * w, hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class ConvNet(nn.Module):
    """Conv-2, -4 and -6 of the lottery-ticket paper: pairs of 3x3 convolutions, each pooled; three linears."""

    def __init__(self, blocks, input, classes, width):
        super().__init__()
        channels, h, w = input
        self.blocks = blocks
        for block in range(blocks):
            out = scaled(64 << block, width)
            setattr(self, f"conv{2 * block + 1}", nn.Conv2d(channels, out, 3, padding=1))
            setattr(self, f"conv{2 * block + 2}", nn.Conv2d(out, out, 3, padding=1))
            channels, h, w = out, h // 2, w // 2
        hidden = scaled(256, width)
        self.fc1 = nn.Linear(channels * h * w, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, classes)

    def forward(self, x):
        for block in range(self.blocks):
            x = F.relu(getattr(self, f"conv{2 * block + 1}")(x))
            x = F.relu(getattr(self, f"conv{2 * block + 2}")(x))
            x = F.max_pool2d(x, 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class Vgg(nn.Module):
    """torchvision's feature numbering with BN, for 32x32 inputs (five pools leave 1x1), and one linear at the end."""

    def __init__(self, convs, input, classes, width):
        super().__init__()
        channels, layers = input[0], []
        for count, hidden in zip(convs, (64, 128, 256, 512, 512)):
            for _ in range(count):
                out = scaled(hidden, width)
                layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class PadShortcut(nn.Module):
    """Shortcut A: take every second row and column, pad channels with zeros on both sides (the odd one at the end)."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.stride = stride
        self.before = (out - channels) // 2
        self.after = out - channels - self.before

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


def shortcut_of(channels, out, stride, kind):
    """The shortcut of a block: nothing where shapes agree, else kind A or B."""
    if stride == 1 and channels == out:
        return None
    if kind == "a":
        return PadShortcut(channels, out, stride)
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, channels, hidden, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, hidden, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.downsample = shortcut_of(channels, hidden, stride, shortcut)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    expansion = 4
    wider = 1
    groups = 1

    def __init__(self, channels, hidden, stride, shortcut):
        super().__init__()
        out = hidden * self.expansion
        # Groups of equal width: at full width nothing is rounded up.
        middle = -(-self.wider * hidden // self.groups) * self.groups
        self.conv1 = nn.Conv2d(channels, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, groups=self.groups, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = shortcut_of(channels, out, stride, shortcut)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class GroupedBottleneck(Bottleneck):
    wider = 2
    groups = 32


class WideBottleneck(Bottleneck):
    wider = 2


class ResNet(nn.Module):
    """A stem, stages of blocks (stride 2 at the start of each but the first), global average, one linear."""

    def __init__(self, block, depths, first, big_stem, input, classes, width, shortcut):
        super().__init__()
        channels = scaled(first, width)
        size, stride, padding = (7, 2, 3) if big_stem else (3, 1, 1)
        self.conv1 = nn.Conv2d(input[0], channels, size, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(3, 2, 1) if big_stem else nn.Identity()
        self.stages = len(depths)
        for stage, depth in enumerate(depths):
            hidden, blocks = scaled(first << stage, width), []
            for i in range(depth):
                blocks.append(block(channels, hidden, 2 if stage > 0 and i == 0 else 1, shortcut))
                channels = hidden * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class LifeStep(nn.Module):
    def __init__(self, channels, m, padding):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * m, 3, padding=1, padding_mode=padding)
        self.mix = nn.Conv2d(2 * m, m, 1)

    def forward(self, x):
        return F.relu(self.mix(F.relu(self.conv(x))))


class LifeNet(nn.Module):
    """n steps of Life, m times over-complete: `step0` .. `step{n-1}`, then `out`. Returns logits before the sigmoid."""

    def __init__(self, n, m, padding):
        super().__init__()
        self.n = n
        for i in range(n):
            setattr(self, f"step{i}", LifeStep(1 if i == 0 else m, m, padding))
        self.out = nn.Conv2d(m, 1, 1)

    def forward(self, x):
        for i in range(self.n):
            x = getattr(self, f"step{i}")(x)
        return self.out(x)


def row(name):
    """The table's row of a network."""
    if name not in ROWS:
        raise ValueError(f"no network is called `{name}`; the zoo has {', '.join(ROWS)}")
    return ROWS[name]


def build(name, input=None, classes=None, width=1.0, shortcut="b", n=1, m=1, padding="zeros"):
    """The network called `name`; `input` is (channels, height, width), `padding` of life-net zeros or circular."""
    input, classes = tuple(input or row(name).input), classes or row(name).classes
    if name == "lenet-300-100":
        return LeNet300(input, classes, width)
    if name == "lenet-5":
        return LeNet5(input, classes, width)
    if name in CONV_BLOCKS:
        return ConvNet(CONV_BLOCKS[name], input, classes, width)
    if name in VGG_CONVS:
        return Vgg(VGG_CONVS[name], input, classes, width)
    if name in CIFAR_BLOCKS:
        return ResNet(BasicBlock, (CIFAR_BLOCKS[name],) * 3, 16, False, input, classes, width, shortcut)
    if name == "life-net":
        return LifeNet(n, m, padding)
    if name in MOBILE:
        import torchvision

        if input[0] != 3 or width != 1.0:
            raise ValueError(f"`{name}` is torchvision's: three channels, width 1")
        model = getattr(torchvision.models, MOBILE[name])(weights=None, num_classes=classes)
        for layer in model.modules():
            # What is drawn cannot be compared.
            if isinstance(layer, (nn.Dropout, torchvision.ops.StochasticDepth)):
                layer.p = 0.0
        return model
    if name in EFFICIENT:
        from efficientnet import EfficientNetB0

        if input[0] != 3 or width != 1.0:
            raise ValueError(f"`{name}` has three channels and width 1")
        return EfficientNetB0(*EFFICIENT[name], classes)
    if name in VITS:
        return vision_transformer(name, input, classes, width)
    if name in ("resnext-50", "wide-resnet-50"):
        block = GroupedBottleneck if name == "resnext-50" else WideBottleneck
        return ResNet(block, DEEP_BLOCKS["resnet-50"], 64, True, input, classes, width, "b")
    depth = name.removesuffix("-small")
    block = Bottleneck if depth == "resnet-50" else BasicBlock
    return ResNet(block, DEEP_BLOCKS[depth], 64, name == depth, input, classes, width, "b")


def vision_transformer(name, input, classes, width):
    """A network of `VITS`: its width multiplies the number of heads, which have 64 channels each."""
    import vit

    heads, blocks, patch = VITS[name]
    heads = scaled(heads, width)
    if name != "vit-b-16":
        return vit.Vit(heads, blocks, patch, input, classes)
    from torchvision.models import VisionTransformer

    channels, side, other = input
    if channels != 3 or side != other:
        raise ValueError(f"`{name}` is torchvision's: three channels, squares")
    wide = vit.HEAD * heads
    return VisionTransformer(side, patch, blocks, heads, wide, 4 * wide, num_classes=classes)


def counts(model, input):
    """(parameters, prunable weights, MACs per example) of a network at an input; MACs count convs and linears."""
    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    # The projections of queries, keys and values are no layer of their own, and that of the result is not called.
    projections = [layer for layer in model.modules() if isinstance(layer, nn.MultiheadAttention)]
    macs = []

    def count(layer, _, output):
        macs.append(layer.weight.numel() * (output.numel() // layer.weight.shape[0]))

    def count_projections(layer, _, output):
        macs.append((layer.in_proj_weight.numel() + layer.out_proj.weight.numel()) * output[0].shape[1])

    hooks = [layer.register_forward_hook(count) for layer in layers]
    hooks += [layer.register_forward_hook(count_projections) for layer in projections]
    mode, device = model.training, next(model.parameters()).device
    with torch.no_grad():
        model.eval()(torch.zeros((1, *input), device=device))
    model.train(mode)
    for hook in hooks:
        hook.remove()
    return (
        sum(p.numel() for p in model.parameters()),
        sum(layer.weight.numel() for layer in layers) + sum(layer.in_proj_weight.numel() for layer in projections),
        sum(macs),
    )
