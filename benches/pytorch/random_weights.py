"""Write a network with PyTorch's default initialisation, as PyTorch's users save it (num_batches_tracked included)."""

import argparse

import torch_or_exit  # noqa: F401
import torch
from safetensors.torch import save_file
import model_options


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    model_options.add_to(parser)
    parser.add_argument("--classes", type=int, help="default: the zoo's")
    parser.add_argument("--input", help="channels,height,width; default: the zoo's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--random-statistics", action="store_true", help="normalisations that have seen something")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    shape = tuple(int(side) for side in arguments.input.split(",")) if arguments.input else None
    model = model_options.build(arguments, shape, arguments.classes)
    for module in model.modules() if arguments.random_statistics else ():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.5)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    save_file(model.state_dict(), arguments.out, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
