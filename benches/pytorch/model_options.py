"""The command-line options that say which network of the zoo is meant, and reading the rest from a weights file."""

import zoo


def add_to(parser):
    """Add --model and its options to an argparse parser."""
    parser.add_argument("--model", required=True, choices=list(zoo.ROWS))
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--shortcut", choices=("a", "b"), default="b")
    parser.add_argument("--n", type=int, default=1, help="life-net: steps")
    parser.add_argument("--m", type=int, default=1, help="life-net: times over-complete")
    parser.add_argument("--padding", choices=("zeros", "circular"), default="zeros", help="life-net: the boundary")


def build(arguments, input=None, classes=None):
    """The network that parsed arguments name."""
    a = arguments
    return zoo.build(a.model, input, classes, a.width, a.shortcut, a.n, a.m, a.padding)


def classes_in(state):
    """How many classes a state_dict was made for: the rows of its last linear layer; None where it has none."""
    rows = [value.shape[0] for name, value in state.items() if name.endswith(".weight") and value.dim() == 2]
    return rows[-1] if rows else None
