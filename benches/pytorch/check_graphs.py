"""Check the modules of `graph.py` against `literal.py` and, where it has them, the zoo's; exit 1 on a difference.

Takes files of layers, each named after its network; without any, every_operation.json beside this script. To get them:

    cargo xtask bench train --models resnet-20,mbv3-small-image --layers-to FOLDER

Outputs and gradients are compared in f64, in training mode and in evaluation mode. Weights and running statistics are
random, so that no layer could be left out or taken for another unseen.
"""

import json
import sys
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch
import graph
import literal
import zoo

EVERY_OPERATION = Path(__file__).resolve().parent / "every_operation.json"
BATCH = 3
# PyTorch's gradient of h-sigmoid takes a sixth in f32, even of f64.
LIMITS = {"outputs": 1e-12, "gradients": 1e-7}


def check(label, good, found):
    """Print one line; true where what was found is good."""
    print(f"{'ok ' if good else 'BAD'} {label:56} {found}", flush=True)
    return good


def shuffled(model):
    """The same model in f64 with random values everywhere; scales and shifts take activations to all their pieces."""
    for name, value in model.double().state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            bound = 2 if value.dim() == 1 else 0.2
            value.add_(torch.empty_like(value).uniform_(-bound, bound))
    return model


def distance(found, reference):
    """How far tensors are from others, relative to the largest norm of all: one that should be 0 is then judged too."""
    largest = max(value.norm() for value in reference)
    return max(((a - b.reshape(a.shape)).norm() / largest).item() for a, b in zip(found, reference))


def answers(forward, parameters, images):
    """The outputs, and the gradients of a weighted sum of them."""
    outputs = forward(images).flatten(1)
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).reshape(outputs.shape)
    return [outputs.detach()], torch.autograd.grad((outputs * weights).sum(), parameters)


def alike(label, modules, ways, images):
    """Whether two ways to run a network, each a forward pass and its parameters, give the same in both modes."""
    good = True
    for training in (True, False):
        for module in modules:
            module.train(training)
        found, expected = (answers(*way, images) for way in ways)
        for what, one, other in zip(LIMITS, found, expected):
            far, mode = distance(one, other), "training" if training else "evaluation"
            good &= check(f"{label}, {mode}: {what}", far <= LIMITS[what], f"{far:.1e} (limit {LIMITS[what]:.0e})")
    return good


def against_literal(name, layers, ours, images):
    """Compare a module with its layers run one by one."""
    values = {**ours.state_dict(), **dict(ours.named_parameters())}
    parameters = list(ours.parameters())
    spelled_out = (lambda x: literal.run(layers, values, x, ours.training), parameters)
    return alike(f"{name}, literal", [ours], [(ours, parameters), spelled_out], images)


def against_zoo(name, layers, ours, images):
    """Compare a module with the zoo's network of this name, which gives it its weights."""
    theirs = shuffled(zoo.build(name))
    state, parameters = theirs.state_dict(), dict(theirs.named_parameters())
    names = [key for key, _ in ours.named_parameters()]
    good = check(f"{name}, zoo: names", set(ours.state_dict()) == set(state), len(state))
    if not good:
        return False
    ours.load_state_dict({key: state[key].reshape(value.shape) for key, value in ours.state_dict().items()})
    # Counting runs a network in f32.
    counts, expected = (zoo.counts(build, layers["input"]) for build in (graph.build(layers), zoo.build(name)))
    good &= check(f"{name}, zoo: parameters, weights, MACs", counts == expected, counts)
    ways = [(ours, list(ours.parameters())), (theirs, [parameters[key] for key in names])]
    return good & alike(f"{name}, zoo", [ours, theirs], ways, images)


def check_file(path):
    """Check the network of one file."""
    name, layers = path.stem, json.loads(path.read_text())
    ours = shuffled(graph.build(layers))
    images = torch.randn(BATCH, *layers["input"], dtype=torch.float64)
    good = against_literal(name, layers, ours, images)
    return good & (name not in zoo.ROWS or against_zoo(name, layers, ours, images))


def main():
    torch.manual_seed(0)
    files = [Path(file) for file in sys.argv[1:]] or [EVERY_OPERATION]
    good = [check_file(file) for file in files]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
