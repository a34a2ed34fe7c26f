"""Derivatives of a batch's loss by the prunable weights, taken without changing the network in any way.

A batch is (images, labels), its loss the mean cross-entropy. `theta` maps paths of weights to the values to use in the
network's place of them; `training` says whether BN takes the batch's statistics or the running ones.
"""

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call


def layers(model):
    """The conv and linear layers by the paths of their weights, in the order of the paths."""
    kinds = (nn.Conv2d, nn.Linear)
    return dict(sorted((f"{name}.weight", m) for name, m in model.named_modules() if isinstance(m, kinds)))


def weights(model):
    """The weights of these layers."""
    return {path: layer.weight.detach() for path, layer in layers(model).items()}


def outputs(model, replaced, images, training):
    """A forward pass with some parameters or buffers replaced. BN gets copies of its statistics to write into."""
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    return functional_call(model.train(training), {**buffers, **replaced}, (images,))


def _slope(model, theta, batch, training, temperature, twice):
    """The gradient, and the leaves it was taken by."""
    images, labels = batch
    leaves = {path: value.detach().requires_grad_() for path, value in theta.items()}
    loss = F.cross_entropy(outputs(model, leaves, images, training) / temperature, labels)
    return torch.autograd.grad(loss, list(leaves.values()), create_graph=twice), leaves


def gradient(model, theta, batch, training, temperature=1.0):
    """dL/dtheta."""
    values, leaves = _slope(model, theta, batch, training, temperature, False)
    return dict(zip(leaves, values))


def hessian_times(model, theta, batch, vector, training, temperature=1.0):
    """H v, by differentiating g . v with v held constant."""
    values, leaves = _slope(model, theta, batch, training, temperature, True)
    product = sum((g * vector[path].detach()).sum() for path, g in zip(leaves, values))
    return dict(zip(leaves, torch.autograd.grad(product, list(leaves.values()))))


def total(batches, part):
    """The sum of `part(batch)` over the batches."""
    sums = {}
    for batch in batches:
        for path, value in part(batch).items():
            sums[path] = sums[path] + value if path in sums else value
    return sums


def mean(batches, part):
    """The mean of `part(batch)`, each batch weighing as many as it has examples."""
    examples = sum(len(labels) for _, labels in batches)
    sums = total(batches, lambda batch: {path: len(batch[1]) * value for path, value in part(batch).items()})
    return {path: value / examples for path, value in sums.items()}
