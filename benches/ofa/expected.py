"""Write expected.json, beside this file: what the published once-for-all supernets answer, for the Rust side to match.

It needs Python 3.9 with the PyPI packages `torch`, `torchvision`, `numpy`, `pyyaml` and `ofa` (0.1.0.post202307202001).
`ofa` holds the networks themselves; no weights are downloaded. To make the file again (two minutes on one thread):

    cd benches/ofa
    python3 expected.py

Every parameter and buffer is made from its name by `../pytorch/fill.py`, at the supernet's full size; the name is that
in the largest extracted network (`static_name`). A kernel matrix, which no extracted network has, keeps the supernet's
name and is the identity + 0.2 v / rows. Inputs are `fill.images` of the names below.

expected.json has per supernet:

    params_supernet     parameters, kernel matrices included
    subnets             largest, smallest and six random: params, macs at 224x224 and logits of the extracted network
    costs               fifty random: params and macs
    sorted              after re_organize_middle_weights(0): three tensors of the supernet, the largest network's logits
    sorted_stage_1      the same after re_organize_middle_weights(1), from the fresh weights
    recalibrated        of one subnet: batch norm statistics estimated over three batches, and the logits with them

`logits` are the first ten of each of the two examples, computed in f32, `logits_sum` is over all, and `f64_distance` is
the largest difference of any logit from a run in f64. `size` is the height and width of the input. It is 64, but 32 for
a network in which f32 rounding alone moves the logits too far at 64: the values grow from block to block with these
weights, and the steep middle of a squeeze-and-excite gate then magnifies every error.

A tensor is given by its first eight values (`head`) and its dot product with arange(n) / n (`dot`). At stage 1 `kept`
and `kept_dot` are the corner that belongs to the channels of the middle expansion ratio, and its dot product. Only that
part has one right order: the library sorts the channels beyond by importance - 2e5 in f32, which rounds the importance
to 1/64 and makes ties. The sort is made stable here, so that ties stay in the order they had.

Multiply-accumulates (`macs`) are those of convolutions and linear layers, the two of squeeze-and-excite included. In
`arch` the lists are those passed to set_active_subnet: `ks` and `e` have an entry for every block that the supernet
could have, also for those that `d` leaves out; in `ofa-resnet50d` the first of `d` tells whether the stem keeps its
middle layer (2) or skips it, and `w` holds indices of width_mult_list for the stem's middle, its end, and the stages.
"""

import copy
import functools
import json
import math
import random
import re
import sys
from pathlib import Path
from unittest import mock

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pytorch"))
import fill  # noqa: E402
from expected_folder import number  # noqa: E402
from ofa.imagenet_classification.elastic_nn.modules.dynamic_op import DynamicSeparableConv2d  # noqa: E402
from ofa.imagenet_classification.elastic_nn.networks import (  # noqa: E402
    OFAMobileNetV3,
    OFAProxylessNASNets,
    OFAResNets,
)
from ofa.imagenet_classification.elastic_nn.utils import set_running_statistics  # noqa: E402

SIZE, SMALL_SIZE = 64, 32
# The largest error of a logit, relative to the largest logit, with which a network is still of use as a reference.
TOLERANCE = 1e-4
CALIBRATION = [(f"ofa-calibration-{i}", (size, 3, SIZE, SIZE)) for i, size in enumerate((4, 4, 2))]
RANDOM_SUBNETS = 6
RANDOM_COSTS = 50
HEAD = 10
MOBILE = {"ks_list": [3, 5, 7], "expand_ratio_list": [3, 4, 6], "depth_list": [2, 3, 4]}
RESNET = {"depth_list": [0, 1, 2], "expand_ratio_list": [0.2, 0.25, 0.35], "width_mult_list": [0.65, 0.8, 1.0]}
# Name: class, options, published parameters.
SUPERNETS = {
    "ofa-mbv3-w1.0": (OFAMobileNetV3, {**MOBILE, "width_mult": 1.0}, 7_678_880),
    "ofa-mbv3-w1.2": (OFAMobileNetV3, {**MOBILE, "width_mult": 1.2}, 10_715_752),
    "ofa-proxyless-w1.3": (OFAProxylessNASNets, {**MOBILE, "width_mult": 1.3}, 7_956_882),
    "ofa-resnet50d": (OFAResNets, RESNET, 48_105_992),
}
# The tensors shown after sorting, by static name, and the corner that stage 1 keeps apart (out and in channels). They
# are of blocks whose importances lie far enough apart that the order does not hang on how f32 sums are taken.
SORTED = {
    "ofa-mbv3-w1.0": {
        "blocks.5.conv.depth_conv.conv.weight": (96, 1),
        "blocks.6.conv.point_linear.conv.weight": (40, 160),
        "blocks.5.conv.depth_conv.se.fc.reduce.weight": (40, 96),
    },
    "ofa-proxyless-w1.3": {
        "blocks.1.conv.inverted_bottleneck.conv.weight": (96, 24),
        "blocks.3.conv.depth_conv.conv.weight": (128, 1),
        "blocks.6.conv.point_linear.conv.weight": (56, 224),
    },
    "ofa-resnet50d": {
        "blocks.0.conv2.conv.weight": (64, 64),
        "blocks.2.conv2.conv.weight": (64, 64),
        "blocks.2.conv3.conv.weight": (256, 64),
    },
}
# The subnet that is recalibrated, by its place in `subnets`, and the layers shown, by their name in that subnet.
RECALIBRATED = {
    "ofa-mbv3-w1.0": (
        2,
        ("first_conv.bn", "blocks.1.conv.depth_conv.bn", "blocks.6.conv.point_linear.bn", "final_expand_layer.bn"),
    )
}


def static_name(name):
    """A supernet's tensor name as the largest extracted network spells it: without the doubled last module."""
    return re.sub(r"\.(conv|bn|linear)\.\1\.(\w+)$", r".\1.\2", name)


def value(name, shape, is_norm):
    """The value of one tensor, by static name."""
    if not name.endswith("_matrix"):
        return torch.from_numpy(fill.parameter(name, shape, is_norm))
    rows = shape[0]
    noise = torch.from_numpy(fill.signed(name, math.prod(shape))).reshape(shape)
    return (torch.eye(rows, dtype=torch.float64) + 0.2 * noise / rows).float()


def build(name):
    """The supernet called `name`, filled, in evaluation mode."""
    kind, options, published = SUPERNETS[name]
    DynamicSeparableConv2d.KERNEL_TRANSFORM_MODE = 1
    # The class sorts the lists that it is given.
    net = kind(n_classes=1000, dropout_rate=0, **copy.deepcopy(options)).eval()
    assert parameters(net) == published, (name, parameters(net))
    tensors = net.state_dict()
    with torch.no_grad():
        for key, tensor in tensors.items():
            if not key.endswith("num_batches_tracked"):
                is_norm = key.rsplit(".", 1)[0] + ".running_mean" in tensors
                tensor.copy_(value(static_name(key), tuple(tensor.shape), is_norm))
    net.set_max_net()
    in_static = {key: tensor.shape for key, tensor in net.get_active_subnet().state_dict().items()}
    in_supernet = {static_name(key): tensor.shape for key, tensor in tensors.items() if not key.endswith("_matrix")}
    assert in_static == in_supernet, name
    return net


def parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


def multiply_accumulates(static):
    """Multiply-accumulates of a network's convolutions and linear layers for one 3x224x224 example."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        places = output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        total += layer.weight.numel() * places

    static = copy.deepcopy(static).to("meta")
    for layer in static.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    static(torch.zeros(1, 3, 224, 224, device="meta"))
    return total


def input_tensor(name, shape):
    return torch.from_numpy(fill.images(name, shape))


def images(size):
    return input_tensor("ofa-input", (2, 3, size, size))


def answer(static, size):
    """A network's logits as the document gives them, all of them in f32, and all of them in f64."""
    logits = static(images(size))
    reference = copy.deepcopy(static).double()(images(size).double())
    distance = (logits.double() - reference).abs().max().item()
    return {
        "size": size,
        "logits": [[number(value, 7) for value in row[:HEAD].tolist()] for row in logits],
        "logits_sum": number(logits.double().sum().item()),
        "f64_distance": number(distance, 2),
    }, logits, reference


def difference(logits, reference):
    """The largest difference of a logit, relative to the largest logit."""
    return ((logits.double() - reference).abs().max() / reference.abs().max()).item()


def extract(net, arch):
    """The subnet with its own weights, in evaluation mode."""
    net.set_active_subnet(**arch)
    return net.get_active_subnet().eval()


def extreme(net, pick):
    """The subnet that takes the smallest (`pick` is `min`) or largest (`max`) of every option."""
    blocks = net.blocks if isinstance(net, OFAResNets) else net.blocks[1:]
    stages = len(net.grouped_block_index)
    arch = {"e": [pick(net.expand_ratio_list)] * len(blocks)}
    if isinstance(net, OFAResNets):
        widths = range(len(net.width_mult_list))
        return {"d": [pick(net.depth_list)] * (stages + 1), **arch, "w": [pick(widths)] * (stages + 2)}
    return {"ks": [pick(net.ks_list)] * len(blocks), **arch, "d": [pick(net.depth_list)] * stages}


def subnet(net, arch):
    """One entry of `subnets`; the supernet must answer as the extracted network does."""
    static = extract(net, arch)
    for size in (SIZE, SMALL_SIZE):
        entry, logits, reference = answer(static, size)
        if difference(logits, reference) < TOLERANCE:
            break
    assert difference(logits, reference) < TOLERANCE, arch
    # The supernet too in f64, where rounding cannot hide a difference; `double` keeps the exact f32 weights.
    assert difference(copy.deepcopy(net).double()(images(size).double()), reference) < 1e-6, arch
    return {**cost(net, arch), **entry}


def cost(net, arch):
    static = extract(net, arch)
    return {"arch": arch, "params": parameters(static), "macs": multiply_accumulates(static)}


def ramp_dot(tensor):
    flat = tensor.flatten().double()
    return number(flat.dot(torch.arange(flat.numel(), dtype=torch.float64) / flat.numel()).item())


def after_sorting(name, stage, largest):
    """Some tensors of the sorted supernet, and the logits of its largest network, which sorting must not change."""
    net = build(name)
    before = answer(extract(net, largest["arch"]), largest["size"])[2]
    with mock.patch.object(torch, "sort", functools.partial(torch.sort, stable=True)):
        net.re_organize_middle_weights(expand_ratio_stage=stage)
    entry, _, after = answer(extract(net, largest["arch"]), largest["size"])
    assert difference(after, before) < 1e-6, (name, stage)
    tensors = {static_name(key): tensor for key, tensor in net.state_dict().items()}
    summaries = []
    for key, (rows, columns) in SORTED[name].items():
        head = [number(value) for value in tensors[key].flatten()[:8].tolist()]
        summary = {"name": key, "head": head, "dot": ramp_dot(tensors[key])}
        if stage == 1:
            summary |= {"kept": [rows, columns], "kept_dot": ramp_dot(tensors[key][:rows, :columns])}
        summaries.append(summary)
    return {"tensors": summaries, **entry}


def after_calibration(net, subnets, place, layers):
    """Batch norm statistics of one subnet, estimated by the library, and its logits with them."""
    static = extract(net, subnets[place]["arch"])
    set_running_statistics(static, [(input_tensor(*batch), None) for batch in CALIBRATION])
    modules = dict(static.named_modules())
    norms = [
        {
            "name": layer,
            "running_mean_sum": number(modules[layer].running_mean.double().sum().item()),
            "running_var_sum": number(modules[layer].running_var.double().sum().item()),
        }
        for layer in layers
    ]
    entry, logits, reference = answer(static, SIZE)
    assert difference(logits, reference) < TOLERANCE, name
    return {"subnet": place, "norms": norms, **entry}


def document(name):
    """All the expected values of one supernet."""
    random.seed(f"sapwood {name}")
    net = build(name)
    archs = [extreme(net, max), extreme(net, min)]
    archs += [net.sample_active_subnet() for _ in range(RANDOM_SUBNETS)]
    if name == "ofa-resnet50d":
        skipped = [arch["d"][0] != 2 for arch in archs[2:]]
        assert any(skipped) and not all(skipped), "the random subnets should skip the stem's middle and keep it"
    subnets = [subnet(net, arch) for arch in archs]
    for entry in subnets:
        print(f"{name}: {entry['params']} parameters, {entry['macs']} MACs, logits at {entry['size']} good to "
              f"{entry['f64_distance']} of {max(map(abs, entry['logits'][0])):.3g}", flush=True)
    result = {
        "params_supernet": parameters(net),
        "subnets": subnets,
        "costs": [cost(net, net.sample_active_subnet()) for _ in range(RANDOM_COSTS)],
    }
    if name in SORTED:
        result["sorted"] = after_sorting(name, 0, subnets[0])
        result["sorted_stage_1"] = after_sorting(name, 1, subnets[0])
    if name in RECALIBRATED:
        result["recalibrated"] = after_calibration(net, subnets, *RECALIBRATED[name])
    return result


def text(supernet):
    """JSON of one supernet, with an entry of a list on a line."""
    fields = []
    for key, content in supernet.items():
        if isinstance(content, list):
            lines = ",\n".join(json.dumps(entry) for entry in content)
            fields.append(f'"{key}": [\n{lines}\n]')
        else:
            fields.append(f'"{key}": {json.dumps(content)}')
    return ",\n".join(fields)


def main():
    torch.set_num_threads(1)
    with torch.no_grad():
        supernets = ",\n\n".join(f'"{name}": {{\n{text(document(name))}\n}}' for name in SUPERNETS)
    versions = json.dumps(torch.__version__.split("+")[0])
    (HERE / "expected.json").write_text(f'{{"torch": {versions},\n\n{supernets}}}\n')


if __name__ == "__main__":
    main()
