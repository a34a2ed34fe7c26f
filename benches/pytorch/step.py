"""The PyTorch peer of `cargo xtask bench train --against pytorch`: a JSON request per line in, an answer per line out.

    {"cmd": "setup", "model": "resnet-20", "batch": 128, "input": [3, 32, 32], "threads": 2}
        also "classes", "width", "shortcut", "n", "m", "padding", "device" ("cpu"), "lr" (0.1), "seed" (0); without
        "layers" (what `graph.py` takes, or the name of a JSON file with it) "model" is a name of the zoo
        -> {"ok": true, "torch": .., "threads": .., "device": .., "parameters": .., "weights": .., "macs": ..}
    {"cmd": "step"}                 -> {"ok": true, "seconds": .., "loss": ..}
    {"cmd": "infer", "batch": 256}  -> {"ok": true, "seconds": .., "batch": ..}
    {"cmd": "quit"}                 -> {"ok": true}

A request that cannot be met is answered {"ok": false, "error": ".."} and the process goes on. Code as an ordinary user
writes it: eager mode, f32, contiguous NCHW, no compilation, default flags. Warm-up is the caller's job. A step is zero
gradients, forward, loss, backward, SGD with momentum 0.9; the loss is read after the clock stops. Data lie on the
device before the clock starts. life-net's loss is binary cross-entropy on its logits, the others' cross-entropy.
"""

import json
import sys
import time

import torch_or_exit  # noqa: F401
import torch
import torch.nn.functional as F
import graph
import zoo


def network(request):
    """The network that a request asks for, its input and its number of classes."""
    get, name = request.get, request["model"]
    if get("layers") is None:
        input, classes = tuple(get("input") or zoo.row(name).input), get("classes") or zoo.row(name).classes
        options = {key: request[key] for key in ("width", "shortcut", "n", "m", "padding") if get(key) is not None}
        return zoo.build(name, input, classes, **options), input, classes
    layers = graph.read(request["layers"])
    model, input = graph.build(layers), tuple(get("input") or layers["input"])
    with torch.no_grad():
        return model, input, model.eval()(torch.zeros(1, *input)).shape[1]


class Peer:
    """A network, its optimiser and one batch, kept between requests."""

    def __init__(self, request):
        get = request.get
        torch.set_num_threads(int(get("threads", torch.get_num_threads())))
        torch.manual_seed(get("seed", 0))
        self.dense = request["model"] == "life-net"
        self.device = torch.device(get("device", "cpu"))
        model, self.input, self.classes = network(request)
        self.model = model.to(self.device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=get("lr", 0.1), momentum=0.9)
        self.images = self.data(int(request["batch"]))
        if self.dense:
            self.labels = (torch.rand(self.images.shape, device=self.device) < 0.38).float()
        else:
            self.labels = torch.randint(self.classes, (len(self.images),), device=self.device)

    def data(self, batch):
        return torch.randn((batch, *self.input), device=self.device)

    def clock(self):
        """Seconds now, after the device has finished what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def about(self):
        parameters, weights, macs = zoo.counts(self.model, self.input)
        return {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": str(self.device),
            "parameters": parameters,
            "weights": weights,
            "macs": macs,
        }

    def step(self):
        self.model.train()
        start = self.clock()
        self.optimizer.zero_grad()
        outputs = self.model(self.images)
        if self.dense:
            loss = F.binary_cross_entropy_with_logits(outputs, self.labels)
        else:
            loss = F.cross_entropy(outputs, self.labels)
        loss.backward()
        self.optimizer.step()
        seconds = self.clock() - start
        return {"seconds": seconds, "loss": loss.item()}

    def infer(self, batch):
        images = self.images if batch is None or batch == len(self.images) else self.data(batch)
        self.model.eval()
        with torch.no_grad():
            start = self.clock()
            self.model(images)
            seconds = self.clock() - start
        return {"seconds": seconds, "batch": len(images)}


def answer(peer, request):
    """The peer after a request, and the answer to it."""
    command = request.get("cmd")
    if command == "setup":
        peer = Peer(request)
        return peer, peer.about()
    if command == "quit":
        return peer, {}
    if command not in ("step", "infer"):
        raise ValueError(f"expected the command setup, step, infer or quit, found {command!r}")
    if peer is None:
        raise ValueError(f"`{command}` needs a `setup` before it")
    return peer, peer.step() if command == "step" else peer.infer(request.get("batch"))


def serve(answer):
    """Answer standard input line by line; `answer` takes the peer and a request, and gives the peer and its reply."""
    peer = None
    for line in sys.stdin:
        if not line.strip():
            continue
        request = {}
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("expected a JSON object")
            peer, reply = answer(peer, request)
            reply = {"ok": True, **reply}
        except Exception as error:
            # Whatever went wrong belongs in the answer: the caller waits for exactly one line.
            reply = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        # Strict JSON has no NaN; a diverged loss is null.
        loss = reply.get("loss")
        if loss is not None and not abs(loss) < float("inf"):
            reply["loss"] = None
        print(json.dumps(reply), flush=True)
        if isinstance(request, dict) and request.get("cmd") == "quit":
            return


def main():
    serve(answer)


if __name__ == "__main__":
    main()
