"""Check every network's parameters, prunable weights and MACs against the published table; exit 1 on a difference."""

import sys

import torch_or_exit  # noqa: F401
import torch
import zoo

SHORTCUT_A = (269_722, 268_336, 40_551_040)


def check(label, found, expected):
    """Print one line; true where the counts agree."""
    good = found == expected
    print(f"{'ok ' if good else 'BAD'} {label:24} {found}" + ("" if good else f" expected {expected}"))
    return good


def main():
    good = True
    # The meta device computes shapes alone, so that even resnet-50 at 224x224 costs nothing.
    with torch.device("meta"):
        for name, row in zoo.ROWS.items():
            if name != "life-net":
                found = zoo.counts(zoo.build(name), row.input)
                good &= check(name, found, (row.parameters, row.weights, row.macs))
        found = zoo.counts(zoo.build("resnet-20", shortcut="a"), (3, 32, 32))
        good &= check("resnet-20 shortcut a", found, SHORTCUT_A)
        for n in (1, 2, 3):
            for m in (1, 2, 3, 4, 5, 8, 12, 16, 20, 24):
                parameters, weights, macs = zoo.counts(zoo.build("life-net", n=n, m=m), (1, 32, 32))
                expected = 20 * m + 2 * m * m + m + (n - 1) * (20 * m * m + 3 * m) + m + 1
                biases = n * 3 * m + 1
                found = (parameters, weights, macs)
                good &= check(f"life-net n={n} m={m}", found, (expected, expected - biases, (expected - biases) * 1024))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
