"""Write small PyTorch checkpoints and checkpoints.json beside them: what a reader of `.pt` files has to cope with.

All weights come from `fill`, so a reader can be checked tensor by tensor; `num_batches_tracked` is 7, which a reader
must ignore. Five forms: a plain state_dict, one wrapped in a training script's dictionary, one in the format from
before PyTorch 1.6, one whose tensors are slices of a single storage, the last of them transposed, and one in 16 bits
whose blocks share their tensors: torchvision's vision transformer, of which `nn.MultiheadAttention` has its own names.
"""

import json
import re
from collections import OrderedDict

import torch_or_exit  # noqa: F401
import torch
import fill
import zoo
from expected_folder import EXPECTED, number

BATCH = 2
TRACKED = 7


def plain(state, path):
    torch.save(OrderedDict(state), path)


def wrapped(state, path):
    torch.save({"epoch": 3, "arch": "vgg11", "best_acc1": 12.5, "state_dict": OrderedDict(state)}, path)


def legacy(state, path):
    torch.save(OrderedDict(state), path, _use_new_zipfile_serialization=False)


def strided(state, path):
    """Every tensor a slice of one storage; matrices are stored transposed."""
    matrices = {name for name, value in state.items() if value.dim() == 2}
    flat = torch.cat([(v.t() if name in matrices else v).reshape(-1) for name, v in state.items()])
    views, at = OrderedDict(), 0
    for name, value in state.items():
        piece = flat[at : at + value.numel()]
        views[name] = piece.view(value.t().shape).t() if name in matrices else piece.view(value.shape)
        at += value.numel()
    torch.save(views, path)


def shared(state, path):
    """Every block is the first one, in 16 bits: a file of one block."""
    once = {name: value.half() for name, value in state.items()}
    for name in state:
        state[name] = once[re.sub(r"encoder_layer_\d+", "encoder_layer_0", name)]
    plain(state, path)


FILES = (
    ("vgg-11-w0.015625.pt", "vgg-11", {"width": 1 / 64}, plain),
    ("vgg-11-w0.015625-wrapped.pt", "vgg-11", {"width": 1 / 64}, wrapped),
    ("vgg-11-w0.015625-legacy.pt", "vgg-11", {"width": 1 / 64}, legacy),
    ("lenet-5-w0.05-strided.pt", "lenet-5", {"width": 0.05}, strided),
    ("vit-b-16-w0.0833-shared.pt", "vit-b-16", {"width": 1 / 12, "input": (3, 32, 32), "classes": 10}, shared),
)


def main():
    torch.set_num_threads(1)
    lines = []
    for file, name, options, save in FILES:
        model = zoo.build(name, **options)
        state = fill.state_dict(model)
        for key in state:
            if key.endswith("num_batches_tracked"):
                state[key] = torch.tensor(TRACKED)
        save(state, EXPECTED / file)
        model.load_state_dict(state)
        shape = options.get("input", zoo.ROWS[name].input)
        with torch.no_grad():
            logits = model.eval()(torch.from_numpy(fill.images("input", (BATCH, *shape)))).flatten()
        lines.append(
            json.dumps(
                {
                    "file": file,
                    "form": save.__name__,
                    "model": name,
                    "width": options["width"],
                    "input": list(shape),
                    "batch": BATCH,
                    "logits": [number(value) for value in logits.tolist()],
                }
            )
        )
        print(file, (EXPECTED / file).stat().st_size, "bytes")
    (EXPECTED / "checkpoints.json").write_text('{"files": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
