"""Write crates/conformance/expected/scores.json: pruning scores of four networks at full width, computed in f64.

Weights, images (`score.input`) and labels (`score.labels`) come from `fill`. A tensor of scores is given by its norm,
its sum, its first values and eight projections on signs from `fill` (`projection.K.PATH`): the mean square of the
differences of two tensors' projections estimates the square of the norm of their difference.

An entry with `mask` 0.5 keeps the weights where u of `mask.PATH` is below 0.5. `f32_distance` and `f32_overlap` tell
how near f32 comes to f64 in PyTorch itself, `nudged_overlap` how near f64 comes to itself with weights moved by 1e-12
of their size. Kept weights are given as a sample: `gaps` are the first sampled position and then the differences,
positions counting through all weights in the order of their paths.
"""

import argparse
import json
import time

import torch_or_exit  # noqa: F401
import torch
import fill
import zoo
from criteria import CRITERIA, MASKED, OPTIONS, score
from derivatives import weights
from expected_folder import EXPECTED, number
from selection import distance, iterate, keep, kept_count, overlap, positions

BATCH, CLASSES = 64, 10
MODELS = ("lenet-300-100", "conv-4", "vgg-11", "resnet-20")
# Networks that also get every variant on two batches, and the loops.
THOROUGH = ("lenet-300-100", "resnet-20")
ONLY_ONE_BATCH = ("magnitude", "synflow", "bn-scale", "fpgm")
RANKED = ("snip", "grasp", "grasp-abs")
DENSITY = 0.5
# At 0.98 force takes whole layers out of resnet-20, after which all scores are 0 and the order of the paths decides.
LOOPS = (("synflow", 100, "0.98"), ("iterative-snip", 10, "0.98"), ("force", 10, "0.98"), ("force", 10, "0.9"))
RANKED_SPARSITY = "0.9"
# How far the weights are moved to see whether f64 gives one answer: relative to their size.
NUDGE = 1e-12
LOOP_SAMPLE, RANKED_SAMPLE = 2000, 3000
DIGITS = 9


class Subject:
    """A filled network, its examples and its masks in one type."""

    def __init__(self, name, dtype):
        self.model = zoo.build(name)
        self.model.load_state_dict(fill.state_dict(self.model))
        self.model.to(dtype)
        self.images = torch.from_numpy(fill.images("score.input", (BATCH, *zoo.ROWS[name].input))).to(dtype)
        self.labels = torch.from_numpy(fill.labels("score.labels", BATCH, CLASSES))
        self.masks = {}
        for path, value in weights(self.model).items():
            mask = fill.unit(f"mask.{path}", value.numel()) < DENSITY
            self.masks[path] = torch.from_numpy(mask).to(dtype).view_as(value)

    def batches(self, size):
        return list(zip(self.images.split(size), self.labels.split(size)))

    def score(self, criterion, options, size, is_masked):
        return score(self.model, self.batches(size), criterion, options, self.masks if is_masked else None)


def cases(name):
    """Yield (criterion, options, batch size, masked) of a network's entries."""
    for criterion in CRITERIA:
        yield criterion, {}, BATCH, False
        if criterion in MASKED:
            yield criterion, {}, BATCH, True
    if name not in THOROUGH:
        return
    for norm in OPTIONS["synflow"]["norm"]:
        yield "synflow", {"norm": norm}, BATCH, False
    for criterion in CRITERIA:
        if criterion in ONLY_ONE_BATCH:
            continue
        yield criterion, {}, BATCH // 2, criterion in MASKED
        for option, (_, *others) in OPTIONS.get(criterion, {}).items():
            for value in others:
                yield criterion, {option: value}, BATCH // 2, False
    if name == "lenet-300-100":
        yield "fisher", {}, 1, False


def identity(name, criterion, options, size, is_masked):
    """`resnet-20/grasp/global-gradient/32`, with `/masked` where masks are given."""
    return "/".join([name, criterion, *options.values(), str(size)] + ["masked"] * is_masked)


def tensor(path, values, signs):
    """What the file says of one tensor; `signs` remembers a path's eight rows."""
    flat = values.double().flatten()
    if path not in signs:
        rows = [fill.unit(f"projection.{k}.{path}", len(flat)) < 0.5 for k in range(8)]
        signs[path] = [torch.from_numpy(row) for row in rows]
    projections = [torch.where(row, flat, -flat).sum().item() for row in signs[path]]
    return {
        "norm": number(flat.norm().item(), DIGITS),
        "sum": number(flat.sum().item(), DIGITS),
        "projections": [number(value, DIGITS) for value in projections],
        "first": [number(value, DIGITS) for value in flat[:4].tolist()],
    }


def kept(masks, single, size):
    """What the file says of masks: counts, a sample, and how much of them the f32 run keeps too."""
    at = positions(masks)
    sample = at[torch.arange(min(size, len(at))) * len(at) // min(size, len(at))]
    return {
        "total": sum(mask.numel() for mask in masks.values()),
        "kept": len(at),
        "f32_overlap": number(overlap(masks, single), 6),
        "gaps": torch.diff(sample, prepend=torch.zeros(1, dtype=sample.dtype)).tolist(),
    }


def entry(name, double, single, case, signs):
    """One criterion on one network."""
    criterion, options, size, is_masked = case
    start = time.perf_counter()
    scores, rough = double.score(*case), single.score(*case)
    found = {
        "id": identity(name, *case),
        "model": name,
        "criterion": criterion,
        "options": options,
        "batch_size": size,
        "mask": DENSITY if is_masked else None,
        "f32_distance": number(max(distance(rough[path], scores[path]) for path in scores), 2) if scores else 0.0,
        "tensors": {path: tensor(path, values, signs) for path, values in scores.items()},
    }
    if criterion in RANKED and size == BATCH:
        count = kept_count(sum(values.numel() for values in scores.values()), RANKED_SPARSITY)
        found["kept90"] = kept(keep(scores, count), keep(rough, count), RANKED_SAMPLE)
    more = f"f32 overlap {found['kept90']['f32_overlap']}" if "kept90" in found else ""
    print(f"{found['id']:48} f32 {found['f32_distance']:<8} {time.perf_counter() - start:6.1f} s {more}", flush=True)
    return found


def nudged(name):
    """The network in f64, with weights moved by far less than f32's rounding."""
    subject = Subject(name, torch.float64)
    with torch.no_grad():
        for path, value in subject.model.named_parameters():
            signs = fill.signed(f"nudge.{path}", value.numel())
            value.mul_(1 + NUDGE * torch.from_numpy(signs).view_as(value))
    return subject


def loop(name, subjects, criterion, rounds, sparsity):
    """Masks after iterative pruning of the network in f64, in f32, and nudged."""
    masks, rough, near = (iterate(s.model, s.batches(BATCH), criterion, sparsity, rounds) for s in subjects)
    found = {
        "id": f"{name}/{criterion}/{rounds}-rounds/{sparsity}",
        "model": name,
        "criterion": criterion,
        "rounds": rounds,
        "sparsity": float(sparsity),
        "batch_size": BATCH,
        "nudged_overlap": number(overlap(masks, near), 6),
        "layers": {path: int(mask.sum()) for path, mask in masks.items()},
        **kept(masks, rough, LOOP_SAMPLE),
    }
    print(f"{found['id']:48} overlap f32 {found['f32_overlap']} nudged {found['nudged_overlap']} "
          f"{list(found['layers'].values())}", flush=True)
    return found


def lines(rows):
    """JSON, a row per line."""
    return ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    entries, pruned = [], []
    for name in MODELS:
        double, single, signs = Subject(name, torch.float64), Subject(name, torch.float32), {}
        entries += [entry(name, double, single, case, signs) for case in cases(name)]
        if name in THOROUGH:
            subjects = (double, single, nudged(name))
            pruned += [loop(name, subjects, *one) for one in LOOPS]
    document = {"torch": torch.__version__.split("+")[0], "batch": BATCH, "classes": CLASSES}
    head = json.dumps(document)[:-1]
    text = f'{head}, "entries": [\n{lines(entries)}\n], "pruned": [\n{lines(pruned)}\n]}}\n'
    (EXPECTED / "scores.json").write_text(text)
    print(len(text), "bytes")


if __name__ == "__main__":
    main()
