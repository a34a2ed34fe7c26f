"""The PyTorch peer of Sapwood's scoring, as `step.py` is of its training: a JSON request per line, an answer per line.

    {"cmd": "setup", "model": "resnet-20", "batch": 100, ..}   as in step.py, with the same answer
    {"cmd": "score", "criterion": "snip", "sparsity": 0.9}     -> {"ok": true, "seconds": .., "kept": .., "total": ..}
        criterion snip, grasp or synflow; also "dtype" f32 or f64 ("f32"), "rounds" of synflow (100)
    {"cmd": "quit"}                                            -> {"ok": true}

Code as the papers' authors and those who copied from them write it, in eager mode: SNIP is a forward and a backward
pass, GraSP two forward passes and a double backward at temperature 200, both with batch statistics and on the setup's
batch; SynFlow takes `rounds` of scores, threshold and mask on an input of ones. The time goes from the network to the
masks of a global threshold. Copies, types and data are made before the clock starts.
"""

import copy

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F
import step

TEMPERATURE = 200
TYPES = {"f32": torch.float32, "f64": torch.float64}


def layers(model):
    return [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


def threshold(scores, sparsity):
    """Masks of all but the lowest `sparsity` of the scores."""
    together = torch.cat([score.flatten() for score in scores])
    remove = round(sparsity * together.numel())
    if remove == 0:
        return [torch.ones_like(score) for score in scores]
    limit = torch.kthvalue(together, remove).values
    return [(score > limit).to(score.dtype) for score in scores]


def snip(model, images, labels, sparsity, rounds):
    weights = [layer.weight for layer in layers(model)]
    gradients = torch.autograd.grad(F.cross_entropy(model(images), labels), weights)
    return threshold([(w * g).abs() for w, g in zip(weights, gradients)], sparsity)


def grasp(model, images, labels, sparsity, rounds):
    weights = [layer.weight for layer in layers(model)]
    constant = torch.autograd.grad(F.cross_entropy(model(images) / TEMPERATURE, labels), weights)
    loss = F.cross_entropy(model(images) / TEMPERATURE, labels)
    slopes = torch.autograd.grad(loss, weights, create_graph=True)
    products = torch.autograd.grad(sum((c * s).sum() for c, s in zip(constant, slopes)), weights)
    return threshold([w * h for w, h in zip(weights, products)], sparsity)


def synflow(model, images, labels, sparsity, rounds):
    weights = [layer.weight for layer in layers(model.eval())]
    ones = torch.ones_like(images[:1])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    for round_ in range(1, rounds + 1):
        gradients = torch.autograd.grad(model(ones).sum(), weights)
        with torch.no_grad():
            masks = threshold([(w * g).abs() for w, g in zip(weights, gradients)], 1 - (1 - sparsity) ** (round_ / rounds))
            for w, mask in zip(weights, masks):
                w.mul_(mask)
    return masks


CRITERIA = {"snip": snip, "grasp": grasp, "synflow": synflow}


def chosen(table, name):
    """The entry of a table called `name`."""
    if name not in table:
        raise ValueError(f"expected one of {', '.join(table)}, found {name!r}")
    return table[name]


class Peer(step.Peer):
    """A network and one batch, copied into the type of each request."""

    def score(self, request):
        dtype, criterion = chosen(TYPES, request.get("dtype", "f32")), chosen(CRITERIA, request.get("criterion"))
        model = copy.deepcopy(self.model).to(dtype).train()
        images = self.images.to(dtype)
        start = self.clock()
        masks = criterion(model, images, self.labels, float(request["sparsity"]), int(request.get("rounds", 100)))
        seconds = self.clock() - start
        kept = sum(int(mask.sum()) for mask in masks)
        return {"seconds": seconds, "kept": kept, "total": sum(mask.numel() for mask in masks)}


def answer(peer, request):
    """The peer after a request, and the answer to it."""
    command = request.get("cmd")
    if command == "setup":
        peer = Peer(request)
        return peer, peer.about()
    if command == "quit":
        return peer, {}
    if command != "score":
        raise ValueError(f"expected the command setup, score or quit, found {command!r}")
    if peer is None:
        raise ValueError("`score` needs a `setup` before it")
    return peer, peer.score(request)


if __name__ == "__main__":
    step.serve(answer)
