"""Pruning scores as PyTorch computes them, in the type of the network's weights; higher means keep.

`score(model, batches, "snip", {"variant": "original"})` maps paths of weights to scores. Batches are (images, labels).
Masks (path to 0 and 1) are for the criteria of `MASKED`, which score a network that is already pruned.
"Training mode" below means that BN takes a batch's statistics; no call changes the running ones.
"""

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
from derivatives import gradient, hessian_times, mean, outputs, total, weights
from layer_inputs import sparsegpt, wanda

TEMPERATURE = 200.0


def times(a, b):
    """The product of two sets of tensors."""
    return {path: a[path] * b[path] for path in a}


def absolute(tensors):
    """The absolute values of a set of tensors."""
    return {path: value.abs() for path, value in tensors.items()}


def masked(theta, masks):
    """Weights times masks, where there are masks."""
    return times(theta, masks) if masks else theta


def magnitude(model, batches):
    """|theta|."""
    return absolute(weights(model))


def snip(model, batches, variant="missing-the-mark"):
    """|theta g| (arXiv 1810.02340), and what three codes make of several batches.

    missing-the-mark: the mean of |theta g_b|, training mode; synaptic-flow: |mean of theta g_b|, evaluation mode;
    original: |theta g| of the first batch alone, evaluation mode.
    """
    theta = weights(model)
    if variant == "missing-the-mark":
        return mean(batches, lambda batch: absolute(times(theta, gradient(model, theta, batch, True))))
    batches = batches[:1] if variant == "original" else batches
    return absolute(mean(batches, lambda batch: times(theta, gradient(model, theta, batch, False))))


def iterative_snip(model, batches, masks=None):
    """|theta m g(theta m)| with the mean gradient, training mode (arXiv 2006.09081): one evaluation of it."""
    theta = masked(weights(model), masks)
    return absolute(times(theta, mean(batches, lambda batch: gradient(model, theta, batch, True))))


def force(model, batches, masks=None):
    """|theta g(theta m)|: the pruned network's gradient, the dense network's weights (arXiv 2006.09081)."""
    theta = weights(model)
    pruned = masked(theta, masks)
    return absolute(times(theta, mean(batches, lambda batch: gradient(model, pruned, batch, True))))


def grasp(model, batches, estimator="per-batch"):
    """theta H g of the loss at outputs / 200, training mode (arXiv 2002.07376), in the sense that high is kept.

    per-batch: the mean of theta H_b g_b; global-gradient: theta times the mean of H_b g with the mean g.
    """
    theta = weights(model)

    def slope(batch):
        return gradient(model, theta, batch, True, TEMPERATURE)

    everywhere = mean(batches, slope) if estimator == "global-gradient" else None

    def flow(batch):
        vector = everywhere or slope(batch)
        return times(theta, hessian_times(model, theta, batch, vector, True, TEMPERATURE))

    return mean(batches, flow)


def grasp_abs(model, batches, estimator="per-batch"):
    """|GraSP|, the absolute value being taken in the end."""
    return absolute(grasp(model, batches, estimator))


def synflow(model, batches, masks=None, norm=None):
    """|theta dR/dtheta| with R the sum of the outputs for an input of ones (arXiv 2006.05467): one evaluation of it.

    Every parameter is replaced by its absolute value; evaluation mode. The running statistics stay as they are, unless
    norm is absolute-buffers (as in the authors' code); with identity, BN has scale 1, shift 0, mean 0, variance 1.
    """
    values = {name: value.detach().abs() for name, value in model.named_parameters()}
    if norm == "absolute-buffers":
        values.update({name: value.abs() for name, value in model.named_buffers()})
    if norm == "identity":
        for name, layer in model.named_modules():
            if isinstance(layer, nn.BatchNorm2d):
                one, zero = torch.ones_like(layer.weight), torch.zeros_like(layer.weight)
                kinds = {"weight": one, "bias": zero, "running_mean": zero, "running_var": one}
                values.update({f"{name}.{kind}": value.detach() for kind, value in kinds.items()})
    theta = masked({path: values[path] for path in weights(model)}, masks)
    leaves = {path: value.detach().requires_grad_() for path, value in theta.items()}
    ones = torch.ones_like(batches[0][0][:1])
    flow = outputs(model, {**values, **leaves}, ones, False).sum()
    slopes = torch.autograd.grad(flow, list(leaves.values()))
    return absolute(times(theta, dict(zip(leaves, slopes))))


def gradient_magnitude(model, batches):
    """|mean of g_b|, training mode."""
    theta = weights(model)
    return absolute(mean(batches, lambda batch: gradient(model, theta, batch, True)))


def fisher(model, batches):
    """theta^2 / 2 times the plain mean of g_b^2, evaluation mode (arXiv 1801.05787)."""
    theta = weights(model)

    def square(batch):
        return {path: g.square() for path, g in gradient(model, theta, batch, False).items()}

    squares = total(batches, square)
    return {path: theta[path].square() / 2 * squares[path] / len(batches) for path in theta}


def movement(model, batches):
    """-theta times the sum of g_b, training mode (arXiv 2005.07683)."""
    theta = weights(model)
    sums = total(batches, lambda batch: gradient(model, theta, batch, True))
    return {path: -theta[path] * sums[path] for path in theta}


def bn_scale(model, batches):
    """|gamma| of the BN that takes a conv layer's output (arXiv 1708.06519); other layers have no score."""
    makers, scores, hooks = [], {}, []

    def after_conv(path):
        return lambda layer, _, output: makers.append((output, path, layer.weight))

    def before_norm(layer, arguments):
        for output, path, w in makers:
            if output is arguments[0]:
                scores[path] = layer.weight.detach().abs().view(-1, 1, 1, 1).expand_as(w).contiguous()

    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            hooks.append(layer.register_forward_hook(after_conv(f"{name}.weight")))
        if isinstance(layer, nn.BatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(before_norm))
    with torch.no_grad():
        model.eval()(batches[0][0][:1])
    for hook in hooks:
        hook.remove()
    return dict(sorted(scores.items()))


def fpgm(model, batches):
    """The distances of a filter to all filters of its layer, added, for each of its weights (arXiv 1811.00250)."""
    scores = {}
    for path, w in weights(model).items():
        rows = w.detach().flatten(1)
        sums = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").sum(1)
        scores[path] = sums.view(-1, *[1] * (w.dim() - 1)).expand_as(w).contiguous()
    return scores


CRITERIA = {
    "magnitude": magnitude,
    "snip": snip,
    "iterative-snip": iterative_snip,
    "force": force,
    "grasp": grasp,
    "grasp-abs": grasp_abs,
    "synflow": synflow,
    "gradient-magnitude": gradient_magnitude,
    "fisher": fisher,
    "movement": movement,
    "wanda": wanda,
    "sparsegpt": sparsegpt,
    "bn-scale": bn_scale,
    "fpgm": fpgm,
}
OPTIONS = {
    "snip": {"variant": ("missing-the-mark", "synaptic-flow", "original")},
    "grasp": {"estimator": ("per-batch", "global-gradient")},
    "grasp-abs": {"estimator": ("per-batch", "global-gradient")},
    "synflow": {"norm": ("absolute-buffers", "identity")},
}
MASKED = ("iterative-snip", "force", "synflow")


def score(model, batches, criterion, options=None, masks=None):
    """The scores of a criterion by path."""
    options = dict(options or {})
    for key, value in options.items():
        if value not in OPTIONS.get(criterion, {}).get(key, ()):
            raise ValueError(f"`{criterion}` has no option {key}={value}; it has {OPTIONS.get(criterion, {})}")
    if masks is not None:
        if criterion not in MASKED:
            raise ValueError(f"masks are for {', '.join(MASKED)}; give `{criterion}` masked weights")
        options["masks"] = masks
    return CRITERIA[criterion](model, batches, **options)
