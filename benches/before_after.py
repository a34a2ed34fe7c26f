"""Whole commands of two builds of the command line, turn by turn.

    python3 benches/before_after.py OLD NEW

OLD and NEW are programs (`cargo build -p xtask` makes `xtask`). Prints the median of NEW's time over
OLD's, start of the program included, on one thread and embedded data. Python's library is enough.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

PAIRS = 15


def seconds(program, arguments):
    begin = time.monotonic()
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin


def main():
    old, new = sys.argv[1:]
    os.environ["RAYON_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        fresh = (os.path.join(folder, str(number)) for number in range(10**9))
        resnet = ["--model", "resnet-20", "--width", "0.25", "--data", "digits"]
        weights = next(fresh)
        seconds(old, ["train", *resnet, "--epochs", "2", "--out", weights])
        weights = ["--weights", os.path.join(weights, "weights.safetensors"), "--data", "digits"]
        jobs = {
            "train lenet-300-100": ["train", "--model", "lenet-300-100", "--data", "digits", "--epochs", "12"],
            "train resnet-20": ["train", *resnet, "--epochs", "1"],
            "score grasp": ["score", *weights, "--criterion", "grasp"],
            "score snip": ["score", *weights, "--criterion", "snip"],
            "score synflow": ["score", *weights[:2], "--criterion", "synflow"],
            "list models": ["list", "models"],
        }
        for name, job in jobs.items():
            times = []
            for pair in range(PAIRS):
                # Who comes first changes, since the first of two finds colder caches.
                order = [old, new] if pair % 2 else [new, old]
                out = lambda: [] if job[0] == "list" else ["--out", next(fresh)]
                found = {program: seconds(program, job + out()) for program in order}
                times.append((found[old], found[new]))
            ratio = statistics.median(b / a for a, b in times)
            print(f"{name:20}  {statistics.median(a for a, _ in times):.4f} s  ratio {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main()
