"""Measures ONNX Runtime with the same weights in float32 and dynamic int8: cosine on the same windows, and latency.

Reads one JSON document with {run, data, threads, seconds, batches} from stdin and writes one to stdout.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "test" / "long"))

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from predictors import Windows, document, read


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def mean_cosine(run, windows, rows):
    """Mean cosine of the unit outputs with the targets."""
    total = 0.0
    for at in range(0, len(rows), 256):
        x, y = windows(rows[at : at + 256])
        out = run.run(None, {"x": x.numpy()})[0].astype(np.float64)
        target = y.double().numpy()
        lengths = np.linalg.norm(out, axis=1) * np.linalg.norm(target, axis=1)
        total += ((out * target).sum(1) / lengths).sum()
    return total / len(rows)


def latency(run, x, seconds):
    """Median latency of a call in ms, after a warm-up of 20 % of the time."""

    def times(limit):
        found, end = [], time.perf_counter() + limit
        while not found or time.perf_counter() < end:
            start = time.perf_counter()
            run.run(None, {"x": x})
            found.append(1e3 * (time.perf_counter() - start))
        return found

    times(seconds / 5)
    return float(np.median(times(seconds)))


asked = json.load(sys.stdin)
torch.set_num_threads(asked["threads"])
run, context = pathlib.Path(asked["run"]), document(asked["run"], "manifest.json")["context"]
_, model = read(run / "best_model.pt")
windows = Windows(asked["data"], context)
rows = np.array(document(run, "split.json")["val"])
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    plain, small = os.path.join(folder, "fp32.onnx"), os.path.join(folder, "int8.onnx")
    model.eval()
    x = windows(rows[:2])[0]
    axes = {"x": {0: "batch"}, "y": {0: "batch"}}
    torch.onnx.export(model, (x,), plain, input_names=["x"], output_names=["y"], dynamic_axes=axes, opset_version=17, dynamo=False)
    quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True)
    results = {}
    for name, path in {"fp32": plain, "int8": small}.items():
        loaded = session(path, asked["threads"])
        inputs = {batch: windows(rows[np.arange(batch) % len(rows)])[0].numpy() for batch in asked["batches"]}
        results[name] = {
            "cosine": mean_cosine(loaded, windows, rows),
            "ms": {batch: latency(loaded, x, asked["seconds"]) for batch, x in inputs.items()},
            "file_bytes": os.path.getsize(path),
        }
versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "torch": torch.__version__}
json.dump({"versions": versions, "n": len(rows), **results}, sys.stdout)
