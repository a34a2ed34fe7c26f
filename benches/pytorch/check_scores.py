"""Check the scores against what must hold of them, computed in another way; exit 1 where it does not."""

import sys

import torch_or_exit  # noqa: F401
import torch
import torch.nn as nn
import torch.nn.functional as F
import fill
import layer_inputs
import zoo
from criteria import OPTIONS, TEMPERATURE, score, times
from derivatives import gradient, hessian_times, weights
from selection import distance, keep, kept_count, overlap, schedule

BATCH = 16


def check(label, found, limit):
    """Print one line; true where a number is within its limit."""
    good = found <= limit
    print(f"{'ok ' if good else 'BAD'} {label:64} {found:.2e} (limit {limit:.0e})", flush=True)
    return good


def subject(name):
    """A filled network and one batch, in f64."""
    model = zoo.build(name)
    model.load_state_dict(fill.state_dict(model))
    images = torch.from_numpy(fill.images("score.input", (BATCH, *zoo.ROWS[name].input)))
    return model.double(), (images.double(), torch.from_numpy(fill.labels("score.labels", BATCH, 10)))


def flow_is_conserved():
    """In a chain without biases every layer's SynFlow scores add up to R."""
    sides = (20, 30, 25, 10)
    links = [nn.Linear(a, b, bias=False, dtype=torch.float64) for a, b in zip(sides, sides[1:])]
    chain = nn.Sequential(links[0], nn.ReLU(), links[1], nn.ReLU(), links[2])
    ones = torch.ones(1, sides[0], dtype=torch.float64)
    flow = ones
    for link in links:
        flow = flow @ link.weight.detach().abs().t()
    scores = score(chain, [(ones, None)], "synflow")
    return all(check(f"synflow {path} adds up to R", abs(s.sum() / flow.sum() - 1), 1e-13) for path, s in scores.items())


def variants_agree_on_one_batch():
    """Without BN the three ways of SNIP and the two of GraSP are the same on a single batch; in evaluation mode two are."""
    model, batch = subject("lenet-300-100")
    good = True
    for criterion, option in (("snip", "variant"), ("grasp", "estimator")):
        first, *others = [score(model, [batch], criterion, {option: v}) for v in OPTIONS[criterion][option]]
        worst = max(distance(other[path], first[path]) for other in others for path in first)
        good &= check(f"{criterion}: variants on one batch of lenet-300-100", worst, 1e-13)
    model, batch = subject("resnet-20")
    flow, original = (score(model, [batch], "snip", {"variant": v}) for v in ("synaptic-flow", "original"))
    good &= check("snip: evaluation-mode variants on resnet-20", max(distance(flow[p], original[p]) for p in flow), 0)
    count = kept_count(sum(s.numel() for s in flow.values()), 0.9)
    kept, other = keep(flow, count), keep(score(model, [batch], "iterative-snip"), count)
    print(f"    resnet-20, SNIP in evaluation and training mode: {overlap(kept, other):.4f} of the kept 10 % in common")
    default = score(model, [batch], "snip")
    iterative = score(model, [batch], "iterative-snip")
    worst = max(distance(iterative[p], default[p]) for p in default)
    return good & check("snip and iterative-snip without masks on resnet-20", worst, 1e-13)


def double_backward_is_a_central_difference():
    """H g by double backward against (g(theta + e g) - g(theta - e g)) / 2e."""
    good = True
    for name, step in (("lenet-300-100", 1e-3), ("resnet-20", 1e-4)):
        model, batch = subject(name)
        theta = weights(model)
        vector = gradient(model, theta, batch, True, TEMPERATURE)
        exact = hessian_times(model, theta, batch, vector, True, TEMPERATURE)
        ahead = gradient(model, {p: theta[p] + step * vector[p] for p in theta}, batch, True, TEMPERATURE)
        behind = gradient(model, {p: theta[p] - step * vector[p] for p in theta}, batch, True, TEMPERATURE)
        worst = max(distance((ahead[p] - behind[p]) / (2 * step), exact[p]) for p in theta)
        good &= check(f"{name}: H g against a central difference", worst, 1e-5)
        scores = score(model, [batch], "grasp")
        good &= check(f"{name}: grasp is theta H g", max(distance(scores[p], v) for p, v in times(theta, exact).items()), 0)
    return good


def unfolded_inputs_are_the_layers():
    """Weights times the unfolded columns are the layer's outputs, and 1 / U_jj^2 is an inverse of H's lower corner."""
    model, (images, _) = subject("resnet-20")
    layer = model.layer2[0].conv1
    x = torch.randn(3, 16, 32, 32, dtype=torch.float64)
    found = layer.weight.detach().flatten(1) @ layer_inputs.columns(layer, x)[0]
    outputs = F.conv2d(x, layer.weight.detach(), None, layer.stride, layer.padding)
    good = check("unfolded conv", distance(found, outputs.transpose(0, 1).flatten(1)), 1e-13)
    samples = torch.randn(12, 40, dtype=torch.float64)
    samples[4] = 0
    hessian = samples @ samples.t()
    damped = hessian.clone()
    damped[4, 4] = 1
    damped += layer_inputs.DAMPING * damped.diagonal().mean() * torch.eye(12, dtype=torch.float64)
    factor, dead = layer_inputs.inverse_factor(hessian)
    corners = torch.stack([damped[j:, j:].inverse()[0, 0] for j in range(12)])
    good &= check("sparsegpt: U_jj^2 is the remaining weights' inverse", distance(factor.diagonal() ** 2, corners), 1e-13)
    return good & check("sparsegpt: dead inputs", abs(int(dead.sum()) - 1), 0)


def nothing_changes():
    """Scoring leaves the network as it was; equal scores are kept in order; a schedule ends at the exact count."""
    model, batch = subject("resnet-20")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for criterion in ("snip", "grasp", "synflow", "fisher", "wanda"):
        score(model, [batch], criterion)
    moved = sum(int((value != before[name]).sum()) for name, value in model.state_dict().items())
    good = check("values of resnet-20 that scoring changed", moved, 0)
    masks = keep({"b": torch.zeros(3), "a": torch.tensor([0.0, 1.0])}, 3)
    good &= check("ties", abs(masks["a"] - 1).sum() + abs(masks["b"] - torch.tensor([1.0, 0, 0])).sum(), 0)
    return good & check("schedule", abs(schedule(270_896, 0.98, 100)[-1] - 5418), 0)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    checks = (
        flow_is_conserved,
        variants_agree_on_one_batch,
        double_backward_is_a_central_difference,
        unfolded_inputs_are_the_layers,
        nothing_changes,
    )
    good = [one() for one in checks]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
