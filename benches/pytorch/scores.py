"""Score a network on a file of examples: the oracle of `cargo xtask score`, with the same files in and out.

The batch file holds `images` f32 [N, C, H, W] and `labels` i64 [N]; the output has the scores as f64 tensors under the
weights' names and shapes. Masks `<param>_mask` in the weights file are applied; `force` keeps the dense weights, too.
Classes and input channels are read from the files.
"""

import argparse
import sys

import torch_or_exit  # noqa: F401
import torch
from safetensors.torch import load_file, save_file
import model_options
from criteria import CRITERIA, MASKED, score
from derivatives import weights
from forward import masked_weights, natural


def network(arguments, channels_and_sides):
    """The network with its weights in the type to compute in, and its masks (None where the file has none)."""
    stored = load_file(arguments.weights)
    masks = {name.removesuffix("_mask"): value for name, value in stored.items() if name.endswith("_mask")}
    masked = arguments.criterion in MASKED and masks
    state = stored if masked else masked_weights(arguments.weights)
    state = {name: state[name] for name in sorted(state, key=natural) if not name.endswith("_mask")}
    model = model_options.build(arguments, channels_and_sides, model_options.classes_in(state))
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"{arguments.weights} is not a {arguments.model}: missing {missing}, unexpected {unexpected}")
    model.to(getattr(torch, arguments.dtype))
    if not masked:
        return model, None
    ones = {path: torch.ones_like(value) for path, value in weights(model).items()}
    return model, {path: masks[path].to(one.dtype) if path in masks else one for path, one in ones.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    model_options.add_to(parser)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--criterion", required=True, choices=list(CRITERIA))
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--batch-size", type=int, help="default: all examples in one batch")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="the type to compute in")
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.model == "life-net":
        sys.exit("life-net has no class labels to score with")
    torch.set_num_threads(arguments.threads)
    data = load_file(arguments.data)
    model, masks = network(arguments, tuple(data["images"].shape[1:]))
    size = arguments.batch_size or len(data["labels"])
    images = data["images"].to(getattr(torch, arguments.dtype))
    batches = list(zip(images.split(size), data["labels"].long().split(size)))
    try:
        options = dict(one.split("=", 1) for one in arguments.option)
        scores = score(model, batches, arguments.criterion, options, masks)
    except ValueError as error:
        sys.exit(str(error))
    save_file({path: values.double().contiguous() for path, values in scores.items()}, arguments.out)


if __name__ == "__main__":
    main()
