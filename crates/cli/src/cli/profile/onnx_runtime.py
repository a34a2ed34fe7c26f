"""ONNX Runtime beside `sapwood profile` and `cargo xtask bench infer`: a JSON request per line in, an answer per line out.

    {"cmd": "setup", "file": "net.onnx", "threads": 2, "batch": 1}  -> {"version": "1.32.0", "outputs": [all values]}
    {"cmd": "operators"}                                -> {"QLinearConv": 20, ...}: what it runs, once optimised
    {"cmd": "burst", "runs": 20}                        -> {"seconds": [of each run], "empty": [of runs of an empty session]}

All optimisations; the batch is for files that leave it open; the empty session is one node on one number. Its idle threads spin for a while and slow what comes next, so
that bursts are short and the caller waits between them. Needs the PyPI packages `onnx`, `onnxruntime` and `numpy`.
"""

import collections
import json
import os
import sys
import tempfile
import time

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    raise SystemExit(f"the Python package `{missing.name}` is not installed")


def operators(model, threads):
    """How many nodes of each kind are left once the model is optimised."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "optimised.onnx")
        session(model, threads, path)
        return collections.Counter(node.op_type for node in onnx.load(path).graph.node)


def session(model, threads, optimised=None):
    options = onnxruntime.SessionOptions()
    if optimised:
        options.optimized_model_filepath = optimised
        options.log_severity_level = 3
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def empty():
    """A model of one node on one number."""
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "empty", value[:1], value[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def input_of(shape):
    """The same numbers as the other side's."""
    count = int(numpy.prod(shape))
    return (((numpy.arange(count) * 7919) % 1009).astype(numpy.float32) / numpy.float32(504.5) - numpy.float32(1)).reshape(shape)


def timed(session, x, runs):
    name, found = session.get_inputs()[0].name, []
    for _ in range(runs):
        begin = time.perf_counter()
        session.run(None, {name: x})
        found.append(time.perf_counter() - begin)
    return found


def main():
    network = nothing = x = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "setup":
            network, nothing = session(request["file"], request["threads"]), session(empty(), request["threads"])
            shape = network.get_inputs()[0].shape
            x = input_of([request.get("batch", 1) if isinstance(size, str) or size is None else size for size in shape])
            outputs = network.run(None, {network.get_inputs()[0].name: x})[0]
            answer = {"version": onnxruntime.__version__, "outputs": [float(y) for y in outputs.flatten()]}
        elif request["cmd"] == "operators":
            answer = operators(request["file"], request["threads"])
        else:
            # The first ones wake threads up.
            timed(network, x, 2)
            answer = {"seconds": timed(network, x, request["runs"]), "empty": timed(nothing, numpy.zeros(1, numpy.float32), request["runs"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
