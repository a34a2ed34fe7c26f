"""Writes group_scores.json: group L2 scores by the PyPI package torch-pruning, for three torchvision networks filled by name.

For each group that makes channels the first layer by name, the number of channels, the sum of the scores, and the
sum of each score times its position: two groups with equal sums have equal scores in equal order.
"""

import json

from torch_or_exit import torch

import torch_pruning
import torchvision

from expected_folder import EXPECTED
from fill import parameter


def filled(name):
    net = getattr(torchvision.models, name)(weights=None).eval()
    norms = {n for n, m in net.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    state = {}
    for key, value in net.state_dict().items():
        if key.endswith("num_batches_tracked"):
            state[key] = value
            continue
        state[key] = torch.from_numpy(parameter(key, tuple(value.shape), key.rsplit(".", 1)[0] in norms))
    net.load_state_dict(state)
    return net


def groups(name):
    net = filled(name).double()
    names = {m: n for n, m in net.named_modules()}
    graph = torch_pruning.DependencyGraph().build_dependency(net, torch.zeros(1, 3, 64, 64).double())
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2, group_reduction="mean", normalizer=None)
    rows = {}
    layers = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
    last = [m for m in net.modules() if isinstance(m, layers)][-1]
    for group in graph.get_all_groups(ignored_layers=[last], root_module_types=list(layers)):
        scores = importance(group)
        makers = [
            names[dep.target.module]
            for dep, _ in group
            if isinstance(dep.target.module, layers) and graph.is_out_channel_pruning_fn(dep.handler)
        ]
        positions = torch.arange(1, len(scores) + 1, dtype=torch.float64)
        row = {"channels": len(scores), "sum": scores.sum().item(), "moment": (scores * positions).sum().item()}
        rows[min(makers)] = row
    return rows


if __name__ == "__main__":
    found = {name: groups(name) for name in ("resnet18", "mobilenet_v2", "densenet121")}
    (EXPECTED / "group_scores.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
