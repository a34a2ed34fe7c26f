"""Write crates/conformance/expected/training.json: ten SGD and ten AdamW steps on two networks, as PyTorch takes them.

Weights, images (`input.0` .. `input.9`) and labels (`labels.0` ..) come from `fill`; each series starts afresh.

Why resnet-20's learning rates are small: a ReLU whose input lies within rounding of zero switches its gradient, so a
BN network amplifies rounding with every step, in proportion to the learning rate. With weights nudged by 1e-7 of their
size before each step (eight runs against f64), the worst running statistic was off by 8e-4 at SGD's 0.002 and 4.5e-5 at
0.0005, by 3e-4 at AdamW's 0.0001 and 4e-5 at 0.00003; at the usual 0.05 it was 4e-2 in one plain f32 run. The weight
decays are large in exchange, so that leaving them out shows. lenet-300-100 has neither trouble (1e-6) and is trained at
usual rates.
"""

import json

import torch_or_exit  # noqa: F401
import torch
import torch.nn.functional as F
import fill
import zoo
from expected_folder import EXPECTED, number

BATCH, CLASSES, STEPS = 8, 10, 10
RUNNING = ("bn1", "layer3.2.bn2")
OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
SGD = {"momentum": 0.9, "nesterov": True}
ADAMW = {"betas": (0.9, 0.999), "eps": 1e-8}
SERIES = (
    ("resnet-20", "sgd", {"lr": 5e-4, **SGD, "weight_decay": 5e-2}),
    ("resnet-20", "adamw", {"lr": 3e-5, **ADAMW, "weight_decay": 1.0}),
    ("lenet-300-100", "sgd", {"lr": 5e-2, **SGD, "weight_decay": 1e-2}),
    ("lenet-300-100", "adamw", {"lr": 1e-3, **ADAMW, "weight_decay": 1e-1}),
)


def train(name, optimizer, options, dtype):
    """Take the steps: the losses (each before its update), the first step's gradient norms, the trained model."""
    model = zoo.build(name)
    model.load_state_dict(fill.state_dict(model))
    model.to(dtype).train()
    optimizer = OPTIMIZERS[optimizer](model.parameters(), **options)
    losses, gradients = [], {}
    for step in range(STEPS):
        images = fill.images(f"input.{step}", (BATCH, *zoo.ROWS[name].input))
        labels = torch.from_numpy(fill.labels(f"labels.{step}", BATCH, CLASSES))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.from_numpy(images).to(dtype)), labels)
        loss.backward()
        if step == 0:
            gradients = {key: p.grad.norm().item() for key, p in model.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    return losses, gradients, model


def distance(found, reference):
    """Norm of the difference over the norm."""
    return ((found.double() - reference).norm() / reference.norm()).item()


def series(name, optimizer, options):
    """One series in f32, with its drift from f64."""
    losses, gradients, model = train(name, optimizer, options, torch.float32)
    exact, exact_gradients, double = train(name, optimizer, options, torch.float64)
    state, reference = model.state_dict(), double.state_dict()
    running = [key for key in state if "running_" in key]
    drift = {
        "losses": max(abs(a - b) / abs(b) for a, b in zip(losses, exact)),
        "running": max((distance(state[key], reference[key]) for key in running), default=0.0),
        "parameters": max(distance(p, q) for p, q in zip(model.parameters(), double.parameters())),
        "gradient_norms": max(abs(gradients[key] / exact_gradients[key] - 1) for key in gradients),
    }
    print(name, optimizer, [f"{loss:.5f}" for loss in losses], {key: f"{v:.1e}" for key, v in drift.items()})
    return {
        "id": f"{name}-{optimizer}",
        "model": name,
        "input": list(zoo.ROWS[name].input),
        "optimizer": optimizer,
        "options": options,
        "losses": [number(loss) for loss in losses],
        "losses_f64": [number(loss, 10) for loss in exact],
        "f64_drift": {key: number(value, 2) for key, value in drift.items()},
        "running": {
            key: [number(v) for v in state[key].tolist()] for key in running if key.rsplit(".", 1)[0] in RUNNING
        },
        "running_norms": {key: number(state[key].norm().item()) for key in running},
        "parameter_norms": {key: number(p.norm().item()) for key, p in model.named_parameters()},
        "first_gradient_norms": {key: number(value) for key, value in gradients.items()},
    }


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    document = {
        "torch": torch.__version__.split("+")[0],
        "batch": BATCH,
        "classes": CLASSES,
        "steps": STEPS,
    }
    head = json.dumps(document)[:-1]
    lines = ",\n".join(json.dumps(series(*one)) for one in SERIES)
    (EXPECTED / "training.json").write_text(f'{head}, "series": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
