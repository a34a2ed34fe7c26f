"""Compare two files of scores: per tensor the distance relative to the second's norm, and what both would keep."""

import argparse
import sys

import torch_or_exit  # noqa: F401
from safetensors.torch import load_file
from selection import distance, keep, kept_count, overlap


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("found")
    parser.add_argument("reference")
    parser.add_argument("--sparsity", default="0.9", help="what is removed, over all tensors, to compare what is kept")
    arguments = parser.parse_args()
    found, reference = load_file(arguments.found), load_file(arguments.reference)
    shapes = [{path: tuple(value.shape) for path, value in scores.items()} for scores in (found, reference)]
    if shapes[0] != shapes[1]:
        odd = sorted({path for path, _ in shapes[0].items() ^ shapes[1].items()})
        sys.exit(f"the files differ in the names or shapes of {', '.join(odd)}")
    total = sum(value.numel() for value in reference.values())
    count = kept_count(total, arguments.sparsity)
    ours, theirs = keep(found, count), keep(reference, count)
    print(f"{'tensor':32} {'distance':>9} {'kept':>9} {'reference':>9} {'both':>9}")
    for path in sorted(reference):
        both = int((ours[path] * theirs[path]).sum())
        kept, expected = int(ours[path].sum()), int(theirs[path].sum())
        print(f"{path:32} {distance(found[path], reference[path]):9.2e} {kept:9} {expected:9} {both:9}")
    worst = max(distance(found[path], reference[path]) for path in reference)
    print(f"{'worst, and overlap':32} {worst:9.2e} of {count} kept weights {overlap(theirs, ours):.6f} are the same")


if __name__ == "__main__":
    main()
