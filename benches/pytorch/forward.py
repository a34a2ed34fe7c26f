"""Run a network on a file: weights and input from safetensors, logits to safetensors. The oracle of `forward`.

The input file holds one tensor [N, C, H, W] (or one called `input` among others); the output file holds `logits`.
Masks `<param>_mask` in the weights file are applied. Classes and input channels are read from the files.
"""

import argparse
import re
import sys

import torch_or_exit  # noqa: F401
import torch
from safetensors.torch import load_file, save_file
import model_options


def natural(name):
    """Sort key under which `fc10` follows `fc9`: a file's order is not the network's."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def masked_weights(path):
    """A state_dict with its masks multiplied in and taken out."""
    state = load_file(path)
    masks = {name: value for name, value in state.items() if name.endswith("_mask")}
    weights = {name: state[name] for name in sorted(state, key=natural) if name not in masks}
    for name, mask in masks.items():
        target = name.removesuffix("_mask")
        weights[target] = weights[target] * mask.to(weights[target].dtype)
    return weights


def the_input(path):
    """The only tensor of a file, or the one called `input`."""
    tensors = load_file(path)
    if "input" not in tensors and len(tensors) != 1:
        sys.exit(f"expected one tensor or one called `input`, found {sorted(tensors)} in {path}")
    return tensors.get("input", next(iter(tensors.values()))).float()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    model_options.add_to(parser)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--train", action="store_true", help="normalise with batch statistics")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    state, images = masked_weights(arguments.weights), the_input(arguments.input)
    model = model_options.build(arguments, tuple(images.shape[1:]), model_options.classes_in(state))
    # torchvision's attention has a layer's name in those of its parameters.
    state = {name.replace(".in_proj.", ".in_proj_"): value for name, value in state.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"{arguments.weights} is not a {arguments.model}: missing {missing}, unexpected {unexpected}")
    model.train(arguments.train)
    with torch.no_grad():
        save_file({"logits": model(images).contiguous()}, arguments.out)


if __name__ == "__main__":
    main()
