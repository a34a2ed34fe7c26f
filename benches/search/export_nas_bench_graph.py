r"""Writes a table of the benchmark nas-bench-graph as CSV, for `sapwood_search::Table::parse`.

The data come from the PyPI package of that name (1.4.0, Apache-2.0). Its dependency on PyTorch
is not needed here:

    python3 -m venv nbg
    nbg/bin/pip install numpy && nbg/bin/pip install --no-deps nas-bench-graph==1.4.0
    nbg/bin/python export_nas_bench_graph.py cora > cora.csv

An architecture is a graph of four operations: `in.1` to `in.3` say from which earlier one (0 is
the input of the graph, which operation 0 always takes) the others take theirs, `op.0` to `op.3`
what they are. Many of these graphs compute the same; the package maps each to the one that was
measured. That mapping is the column `identity:arch`, whose first row is the measured one.
"""

import importlib.util
import itertools
import pickle
import sys
from pathlib import Path

METRICS = ("valid_perf", "perf", "latency", "para")


def package_folder():
    spec = importlib.util.find_spec("nas_bench_graph")
    if spec is None:
        sys.exit("error: the package nas-bench-graph is not installed: see the head of this script")
    return Path(spec.submodule_search_locations[0])


def architecture(folder):
    """The module that knows which graphs are the same, without the package around it, which
    imports PyTorch."""
    spec = importlib.util.spec_from_file_location("architecture", folder / "architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: export_nas_bench_graph.py cora|citeseer|pubmed|cs|physics|photo|computers|arxiv")
    folder = package_folder()
    known = architecture(folder)
    with open(folder / "light" / f"{sys.argv[1]}.bench", "rb") as file:
        table = pickle.load(file)
    measured, same = [], []
    for inputs in itertools.product(range(2), range(3), range(4)):
        for operations in itertools.product(known.gnn_list, repeat=4):
            links = [0, *inputs]
            number = known.Arch(links[:], list(operations)).valid_hash()
            if number not in table:  # Four skips: no network.
                continue
            itself = links in known.link_list and known.Arch(links, operations).hash_arch() == number
            numbers = [repr(float(table[number][name])) for name in METRICS] if itself else [""] * len(METRICS)
            (measured if itself else same).append([*map(str, inputs), *operations, str(number), *numbers])
    names = ["in.1", "in.2", "in.3", "op.0", "op.1", "op.2", "op.3", "identity:arch"]
    for row in [[*names, *(f"metric:{name}" for name in METRICS)], *measured, *same]:
        print(",".join(row))


if __name__ == "__main__":
    main()
