"""Write small files as `torch.save` and `pickle` make them in all their forms, for the tests of their reader.

Every network in them is the same: `w` is [[0, 0.5, 1], [1.5, 2, 2.5]] and `b` is [3], in float32. What a file
is to show stands beside it in FILES; files that cannot be written by PyTorch itself are made in the tests.
"""

import argparse
import collections
import datetime
import pathlib
import pickle
import zipfile

import torch_or_exit  # noqa: F401
import numpy as np
import torch

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "crates" / "models" / "tests" / "checkpoints"
W = torch.arange(6).reshape(2, 3) / 2
B = torch.tensor([3.0])
STATE = {"w": W, "b": B}


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = torch.nn.Parameter(W), torch.nn.Parameter(B)
        self.none = torch.nn.Parameter(torch.ones(1))
        self.none = None
        self.register_buffer("kept", torch.tensor(7))
        self.register_buffer("passing", torch.tensor(8), persistent=False)


class Network(torch.nn.Module):
    """Wrapped twice, so that names have two dots."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(Inner())
        self.scratch = torch.ones(2)


class Hostile:
    def __reduce__(self):
        return open, ("EXECUTED", "w")


class Subclass(torch.Tensor):
    pass


def objects():
    """What training scripts put beside the weights."""
    return {
        "when": datetime.datetime(2026, 1, 2),
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {"loss": [1.0, 2.0]}),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/data"), gpus={0, 1}, frozen=frozenset((2,))),
        "keys": {0.5: 1, None: 2, (0, "a"): 3, True: 4, b"x": 5, 2**80: 6},
        "numbers": [np.float64(91.25), 1 + 2j, 2**80, -(2**70)],
        "misc": [slice(1, 2), b"\0\1", bytearray(b"ab"), range(3), "\ud800"],
        "torch": [torch.device("cpu"), torch.float16, torch.Size([1, 2]), torch.strided, None],
        "state_dict": STATE,
    }


def strided():
    """Views of storages, and every type that is read."""
    flat = torch.arange(20) / 2
    types = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 bool"
    return {
        "offset": flat[4:10].view(2, 3),
        "transposed": flat[:6].view(3, 2).t(),
        "last": flat[:12].view(1, 3, 2, 2).to(memory_format=torch.channels_last),
        "expanded": B.expand(2, 2),
        "stepped": flat[1:10:3],
        "number": torch.tensor(0.5),
        "empty": torch.empty(0, 3),
        **{name: torch.tensor([0, 1, 3]).to(getattr(torch, name)) for name in types.split()},
    }


def sparse():
    dense = torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]])
    twice = torch.sparse_coo_tensor([[0, 1, 1], [1, 3, 3]], torch.tensor([1.0, 0.5, 1.5]), (2, 4))
    hybrid = torch.sparse_coo_tensor([[1]], torch.tensor([[0.0, 2.0]]), (2, 2))
    layouts = {"csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc()}
    blocks = {"bsr": dense.to_sparse_bsr((1, 2)), "bsc": dense.to_sparse_bsc((2, 2))}
    return {"coo": dense.to_sparse(), "twice": twice, "hybrid": hybrid, **layouts, **blocks}


def unreadable():
    return {
        "fp8": W.to(torch.float8_e4m3fn),
        "complex": W.to(torch.complex64),
        "meta": W.to("meta"),
        "qint8": torch.quantize_per_tensor(W, 0.01, 0, torch.qint8),
        "nested": torch.nested.nested_tensor([B, W[0]]),
        "w": W,
    }


def dressed():
    """The same tensors as something else."""
    with_state = torch.nn.Parameter(W)
    with_state.note = "an attribute"
    return {"parameter": torch.nn.Parameter(W), "state": with_state, "subclass": W.as_subclass(Subclass)}


def cycle():
    state = {"state_dict": STATE}
    state["self"] = [state]
    return state


def deflated(path):
    """As whoever packs an archive again may leave it: compressed, and in another folder."""
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as archive:
        records = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records:
            # The times of a record would be those of the run.
            archive.writestr(zipfile.ZipInfo("other folder/" + name.split("/", 1)[1]), content, zipfile.ZIP_DEFLATED)


def without_checksums(path):
    torch.serialization.set_crc32_options(False)
    torch.save(STATE, path)
    torch.serialization.set_crc32_options(True)


def script(path):
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), path)


def saved(value, **options):
    return lambda path: torch.save(value(), path, **options)


def pickled(value, protocol):
    return lambda path: path.write_bytes(pickle.dumps(value(), protocol=protocol))


def state():
    return STATE


def arrays():
    w = W.numpy()
    others = {"turned": np.asfortranarray(w), "swapped": w.astype(">f4"), "text": np.array(["a"])}
    return {"w": w, "b": B.numpy(), **others}


OLD = {"_use_new_zipfile_serialization": False}
FILES = {
    "objects.pt": saved(objects),
    "objects-protocol-4.pt": saved(objects, pickle_protocol=4),
    "objects-legacy.pt": saved(objects, **OLD),
    "strided.pt": saved(strided),
    "strided-legacy.pt": saved(strided, **OLD),
    "sparse.pt": saved(sparse),
    "unreadable.pt": saved(unreadable),
    "dressed.pt": saved(dressed),
    "cycle.pt": saved(cycle),
    "module.pt": saved(Network),
    "module-legacy.pt": saved(Inner, **OLD),
    "hostile.pt": saved(lambda: {"x": Hostile(), **STATE}),
    "tensor.pt": saved(lambda: W),
    "list.pt": saved(lambda: [("no", "tensor"), W, {"b": B}]),
    "deflated.pt": deflated,
    "without-checksums.pt": without_checksums,
    "script.pt": script,
    **{f"state-protocol-{protocol}.pkl": pickled(state, protocol) for protocol in range(6)},
    **{f"arrays-protocol-{protocol}.pkl": pickled(arrays, protocol) for protocol in (0, 2, 5)},
}


def main():
    torch.manual_seed(0)
    FOLDER.mkdir(exist_ok=True)
    for name, write in FILES.items():
        path = FOLDER / name
        write(path)
        print(name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
