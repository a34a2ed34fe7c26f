"""From scores to masks: an exact number of weights over all layers, at once or in rounds."""

import math
from fractions import Fraction

import torch_or_exit  # noqa: F401
import torch
from criteria import score
from derivatives import weights

# Whose candidates are all weights in each round; elsewhere what is removed stays removed.
REVIVING = ("force",)


def kept_count(total, sparsity):
    """N - floor(s N + 1/2), with the sparsity taken as the decimal that it is written as."""
    return total - math.floor(Fraction(str(sparsity)) * total + Fraction(1, 2))


def schedule(total, sparsity, rounds):
    """How many weights are kept after each round: the fraction delta^(t / T), the last one exact."""
    density = 1 - float(sparsity)
    counts = [total - math.floor((1 - density ** (t / rounds)) * total + 0.5) for t in range(1, rounds)]
    return [*counts, kept_count(total, sparsity)]


def keep(scores, count, alive=None):
    """Masks of the `count` highest scores over all tensors; among equals the first by path, then by flat index."""
    paths = sorted(scores)
    values = torch.cat([scores[path].flatten() for path in paths])
    if alive is not None:
        values[torch.cat([alive[path].flatten() for path in paths]) == 0] = -math.inf
    order = torch.sort(values, descending=True, stable=True).indices[:count]
    flat = torch.zeros_like(values)
    flat[order] = 1
    pieces = flat.split([scores[path].numel() for path in paths])
    return {path: piece.view_as(scores[path]) for path, piece in zip(paths, pieces)}


def iterate(model, batches, criterion, sparsity, rounds):
    """Masks after `rounds` rounds of scoring the pruned network and pruning it further; the weights stay as given."""
    masks = {path: torch.ones_like(value) for path, value in weights(model).items()}
    total = sum(mask.numel() for mask in masks.values())
    for count in schedule(total, sparsity, rounds):
        scores = score(model, batches, criterion, masks=masks)
        masks = keep(scores, count, None if criterion in REVIVING else masks)
    return masks


def positions(masks):
    """Sorted indices of the kept weights in the concatenation of all weights by path."""
    return torch.cat([masks[path].flatten() for path in sorted(masks)]).nonzero().flatten()


def overlap(a, b):
    """Which part of the weights that masks a keep, masks b keep too."""
    both = sum(int((a[path] * b[path]).sum()) for path in a)
    return both / sum(int(mask.sum()) for mask in a.values())


def distance(found, reference):
    """Norm of the difference over the norm; 0 where both are zero."""
    difference = (found.double() - reference.double()).norm().item()
    return difference / reference.double().norm().item() if difference else 0.0
