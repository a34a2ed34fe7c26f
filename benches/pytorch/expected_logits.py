"""Write crates/conformance/expected/logits.json: what PyTorch's networks answer, with weights and inputs from `fill`.

Quick cases (small networks, the large ones at width 0.25, and a few options) are for every run of the tests; the
others are the full widths. Each case is computed in f32, and again in f64 to show how far rounding alone carries.
"""

import json

import torch_or_exit  # noqa: F401
import torch
import fill
import zoo
from expected_folder import EXPECTED, number

BATCH = 2
HEAD = 16
# At 64x64 the last stage normalises over eight values and f32 rounding alone moves resnet-50 by 7e-5; here by 3e-5.
LARGE_INPUT = (3, 96, 96)
WHOLE = (*zoo.MOBILE, *zoo.EFFICIENT)
PATCHES = ("vit-tiny", "vit-small", "vit-base", "vit-b-16")
LARGE = ("resnet-18", "resnet-34", "resnet-50", "resnext-50", "wide-resnet-50", *WHOLE, *PATCHES)
SMALL = ("lenet-300-100", "lenet-5", "resnet-20", "resnet-32", "resnet-44", "resnet-56")
BOARD = (1, 16, 16)
STREAMS = ("input", "labels", "conv1.weight", "layer3.2.bn2.running_var")
RUNNING = ("bn1", "layer3.2.bn2")


def cases():
    """Yield (id, quick, model, options) in order."""
    for name in zoo.ROWS:
        if name == "life-net":
            continue
        options = {"input": LARGE_INPUT if name in LARGE else zoo.ROWS[name].input}
        yield name, name in (*SMALL, *WHOLE), name, options
        if name not in (*SMALL, *WHOLE):
            yield f"{name}-w0.25", True, name, {**options, "width": 0.25}
    yield "resnet-20-shortcut-a", True, "resnet-20", {"input": (3, 32, 32), "shortcut": "a"}
    yield "resnet-20-w0.3", True, "resnet-20", {"input": (3, 32, 32), "width": 0.3}
    yield "resnet-20-1x28x28-7-classes", True, "resnet-20", {"input": (1, 28, 28), "classes": 7}
    yield "lenet-300-100-3x32x32-100-classes", True, "lenet-300-100", {"input": (3, 32, 32), "classes": 100}
    yield "lenet-5-3x32x32-w0.3", True, "lenet-5", {"input": (3, 32, 32), "width": 0.3}
    yield "conv-4-1x28x28-w0.25", True, "conv-4", {"input": (1, 28, 28), "width": 0.25}
    yield "life-net-n1-m1", True, "life-net", {"input": BOARD, "n": 1, "m": 1}
    yield "life-net-n2-m4", True, "life-net", {"input": BOARD, "n": 2, "m": 4}
    yield "life-net-n3-m2", True, "life-net", {"input": (1, 12, 20), "n": 3, "m": 2}
    yield "life-net-n2-m4-circular", True, "life-net", {"input": BOARD, "n": 2, "m": 4, "padding": "circular"}


def answer(model, state, images, training, dtype):
    """The flattened outputs of one forward pass, as f64, from a fresh copy of the weights."""
    model.load_state_dict(state)
    model.to(dtype).train(training)
    with torch.no_grad():
        return model(images.to(dtype)).flatten().double()


def summary(logits, reference):
    """The head, norm and sum of some logits, and their distance from the f64 run."""
    return {
        "logits": [number(value) for value in logits[:HEAD].tolist()],
        "norm": number(logits.norm().item(), 10),
        "sum": number(logits.sum().item(), 10),
        "f64_distance": number(((logits - reference).norm() / reference.norm()).item(), 2),
    }


def run(identity, quick, name, options):
    """One case: the counts, and the answers in evaluation and training mode."""
    model = zoo.build(name, **options)
    double = zoo.build(name, **options)
    shape = options["input"]
    parameters, weights, macs = zoo.counts(model, shape)
    state = fill.state_dict(model)
    images = torch.from_numpy((fill.boards if name == "life-net" else fill.images)("input", (BATCH, *shape)))
    case = {
        "id": identity,
        "quick": quick,
        "model": name,
        "input": list(shape),
        "batch": BATCH,
        "classes": options.get("classes") or zoo.ROWS[name].classes,
        "width": options.get("width", 1.0),
        "shortcut": options.get("shortcut", "b"),
        "n": options.get("n"),
        "m": options.get("m"),
        "padding": options.get("padding", "zeros") if name == "life-net" else None,
        "parameters": parameters,
        "weights": weights,
        "macs": macs,
    }
    for mode in ("eval", "train"):
        training = mode == "train"
        logits = answer(model, state, images, training, torch.float32)
        reference = answer(double, state, images, training, torch.float64)
        case[mode] = summary(logits, reference)
    print(f"{identity:36} eval {case['eval']['norm']:<16} {case['eval']['f64_distance']:<8} "
          f"train {case['train']['norm']:<16} {case['train']['f64_distance']}", flush=True)
    running = {key: value for key, value in model.state_dict().items() if "running_" in key}
    if identity == "resnet-20":
        case["running_after_train"] = {
            key: [number(v) for v in value.tolist()]
            for key, value in running.items()
            if key.rsplit(".", 1)[0] in RUNNING
        }
    if running and quick:
        norms = torch.stack([value.double().norm() for value in running.values()])
        case["running_norm_after_train"] = number(norms.norm().item(), 10)
    return case


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    document = {
        "torch": torch.__version__.split("+")[0],
        "fill": {
            name: {"fnv1a": f"{fill.fnv1a(name):016x}", "u": fill.unit(name, 4).tolist()} for name in STREAMS
        },
        "cases": [run(*case) for case in cases()],
    }
    lines = ",\n".join(json.dumps(case) for case in document.pop("cases"))
    head = json.dumps(document)[:-1]
    (EXPECTED / "logits.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
