"""Criteria that look at what enters a layer: Wanda (arXiv 2306.11695) and SparseGPT (arXiv 2301.00774).

A conv layer's input is unfolded, so that its weights are a matrix [out, in * kh * kw] as a linear layer's are, and each
example has as many columns as the output has positions. BN uses running statistics.
"""

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F
from derivatives import layers, weights

DAMPING = 0.01


def columns(layer, images):
    """The unfolded input, one row per weight of an output: [groups, rows, examples * positions]."""
    if isinstance(layer, nn.Linear):
        return images.t()[None]
    if layer.padding_mode != "zeros":
        raise ValueError("expected a convolution padded with zeros")
    unfolded = F.unfold(images, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    return unfolded.unflatten(1, (layer.groups, -1)).permute(1, 2, 0, 3).flatten(2)


def over_inputs(model, batches, statistic):
    """The sum over batches of `statistic(columns)`, and how many columns there were, of each layer."""
    found = {}

    def hook(path):
        def visit(layer, arguments):
            x = columns(layer, arguments[0])
            sums, count = found.get(path, (0, 0))
            found[path] = (sums + statistic(x), count + x.shape[-1])

        return visit

    hooks = [layer.register_forward_pre_hook(hook(path)) for path, layer in layers(model).items()]
    try:
        with torch.no_grad():
            for images, _ in batches:
                model.eval()(images)
    finally:
        for one in hooks:
            one.remove()
    return found


def wanda(model, batches):
    """|w_ij| times the L2 norm of row j over all examples and positions."""
    squares = over_inputs(model, batches, lambda x: x.square().sum(-1))
    scores = {}
    for path, w in weights(model).items():
        norms = squares[path][0].sqrt()
        of_groups = w.flatten(1).abs().unflatten(0, (len(norms), -1))
        scores[path] = (of_groups * norms[:, None]).view_as(w)
    return scores


def inverse_factor(hessian):
    """The upper triangular U with U^T U the inverse of the damped Hessian, and which inputs are dead."""
    diagonal = hessian.diagonal()
    dead = diagonal == 0
    diagonal[dead] = 1
    diagonal += DAMPING * diagonal.mean()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    return torch.linalg.cholesky(inverse, upper=True), dead


def sparsegpt(model, batches):
    """w_ij^2 / U_jj^2 where the inverse of H = (2 / columns) sum x x^T is U^T U; dead inputs have score 0."""
    products = over_inputs(model, batches, lambda x: x @ x.mT)
    scores = {}
    for path, w in weights(model).items():
        sums, count = products.pop(path)
        of_groups = []
        for hessian, rows in zip(2 / count * sums, w.flatten(1).unflatten(0, (len(sums), -1))):
            factor, dead = inverse_factor(hessian)
            of_groups.append(torch.where(dead, 0, rows.square() / factor.diagonal().square()))
        scores[path] = torch.stack(of_groups).view_as(w)
    return scores
