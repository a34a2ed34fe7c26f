"""Check the modules of PyTorch that Sapwood writes; exit 1 on a difference.

    python3 check_modules.py operations FOLDER        # what the example `modules` wrote of operations.json
    python3 check_modules.py networks PROGRAM [NAME ...]

The first compares every operation, with gradients of inputs and parameters, with the function of PyTorch's that `operations.py` has for it, in
f64. The second exports networks of `onnx_networks.py` as ONNX, takes PROGRAM's `export --form pytorch` of that, and compares what both modules
compute, and what the network still is after it was pruned. Differences are norms over norms; 1e-6 is allowed.
"""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import torch_or_exit  # noqa: F401
import torch

TOLERANCE = 1e-6


def load(folder):
    """The network in a folder, with its weights."""
    spec = importlib.util.spec_from_file_location("net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def far(a, b):
    if a.shape != b.shape:
        return float("inf")
    return float((a - b).detach().norm() / b.detach().norm().clamp_min(1e-12))


def operations(folder):
    import operations as known

    wrong, worst = [], 0.0
    for row in known.CASES:
        net = load(Path(folder) / row["id"]).double()
        generator = torch.Generator().manual_seed(5)
        low, high = row["span"]
        inputs = []
        for entry in row["graph"]["inputs"]:
            u = torch.rand(known.size(entry["dims"]), generator=generator, dtype=torch.float64)
            inputs.append((u * row["integers"]).floor().long() if entry.get("integers") else (low + (high - low) * u).requires_grad_())
        params = dict(net.named_parameters()) | dict(net.named_buffers())
        params = {name: value for name, value in params.items() if not name.endswith("num_batches_tracked")}
        with torch.no_grad():
            for value in params.values():
                value.copy_(0.25 + torch.rand(value.shape, generator=generator, dtype=torch.float64))
        if set(params) != set(row["params"]):
            wrong.append(f"{row['id']}: has {sorted(params)}")
            continue
        ours, theirs = net(*inputs), row["f"](*inputs, params)
        leaves = [value for value in [*inputs, *params.values()] if value.requires_grad]
        response = torch.rand(theirs.shape, generator=generator, dtype=torch.float64)
        distance = far(ours, theirs)
        if leaves and distance < TOLERANCE:
            slopes = [torch.autograd.grad((y * response).sum(), leaves, allow_unused=True, materialize_grads=True) for y in (ours, theirs)]
            distance = max([distance, *(far(a, b) for a, b in zip(*slopes))])
        worst = max(worst, distance)
        if not distance < TOLERANCE:
            wrong.append(f"{row['id']}: {distance:.1e}")
    print(len(known.CASES), "operations, at most", f"{worst:.1e}")
    return wrong


def networks(program, names):
    from onnx_networks import NETWORKS, export, network

    def run(*arguments):
        subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    wrong = []
    for name in names or NETWORKS:
        net, shape = network(name)
        x = torch.randn(2, *shape)
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            folder = Path(folder)
            export(net, x, folder / "theirs.onnx", "torchscript-17")
            run("export", "--weights", folder / "theirs.onnx", "--form", "pytorch", "--out", folder / "net")
            theirs, ours = net(x), load(folder / "net")(x)
            theirs, ours = ([y] if isinstance(y, torch.Tensor) else list(y) for y in (theirs, ours))
            # A softmax at the end of a classifier is left out.
            if name == "one_dimensional":
                ours = [y.log_softmax(1) for y in ours]
            distance = max(far(a, b) for a, b in zip(ours, theirs, strict=True))
        print(name, f"{distance:.1e}", flush=True)
        if not distance < TOLERANCE:
            wrong.append(f"{name}: {distance:.1e}")
    return wrong


def main():
    what, first, *names = sys.argv[1:]
    wrong = operations(first) if what == "operations" else networks(first, names)
    print("\n".join(wrong) or f"all within {TOLERANCE:.0e}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
