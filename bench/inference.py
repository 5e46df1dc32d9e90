"""ONNX Runtime as a worker for inference.mjs: answers one JSON question per line.

`open` reads weights that lvm-torch has written (.safetensors, its names), exports the same model to ONNX, in float32 and with dynamic int8,
and answers the outputs for a few inputs. `time` calls one of the two for some seconds. All rounds of a shape share one session.
"""

import gc
import json
import os
import pathlib
import re
import sys
import time

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # exporters print to stdout

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "test" / "long"))

import attention_models
import mamba
import numpy as np
import onnx
import onnxruntime
import predictors
import rwkv
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file

# The exporter does not know rms_norm.
mamba.Rms.forward = lambda self, x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight

# Our names → those of the modules of the training benchmark.
RENAMED = {
    "distilgpt2": [(r"core\.gpt\.h\.(\d+)\.attn\.", r"blocks.\1."), (r"core\.gpt\.h\.(\d+)\.mlp\.c_fc", r"blocks.\1.mlp.0"),
                   (r"core\.gpt\.h\.(\d+)\.mlp\.c_proj", r"blocks.\1.mlp.2"), (r"core\.gpt\.h\.", "blocks."),
                   (r"core\.gpt\.ln_f", "norm"), (r"core\.gpt\.wpe", "wpe")],
    "mamba2": [(r"core\.layers\.(\d+)\.norm\.", r"norms.\1."), (r"core\.layers\.(\d+)\.mixer\.", r"mixers.\1."),
               (r"core\.norm_f\.", "norms.34.")],
    "rwkv": [(r"core\.blocks\.0\.ln0\.", "first.")],
}  # fmt: skip
TRANSPOSED = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")


def state_of(name, tensors):
    """The weights under the names of the module."""
    state = {}
    for key, value in tensors.items():
        value = torch.from_numpy(value.T.copy() if TRANSPOSED.search(key) else value)
        for pattern, text in RENAMED[name]:
            key = re.sub(pattern, text, key)
        state[key] = value
    if name == "distilgpt2":
        state["in_proj.weight"] *= 768**0.5  # its module does not scale the input
    if name == "rwkv":
        state = dict(rwkv_names(state))
    return state


def rwkv_names(state):
    for i in range(rwkv.LAYERS):
        for half, (part, mixes) in enumerate({"att": "kvr", "ffn": "kr"}.items()):
            prefix = f"core.blocks.{i}.{part}."
            state[prefix + "mixes"] = torch.stack([state.pop(f"{prefix}time_mix_{m}").flatten() for m in mixes])
            for key in [key for key in state if key.startswith(prefix)]:
                yield f"layers.{2 * i + half}." + key[len(prefix) :], state[key]
            for kind in ("weight", "bias"):
                yield f"norms.{2 * i + half}.{kind}", state[f"core.blocks.{i}.ln{half + 1}.{kind}"]
    for key, value in state.items():
        if not key.startswith("core.blocks."):
            yield key.replace("core.ln_out", f"norms.{2 * rwkv.LAYERS}"), value


def module_of(name, tensors, options):
    if name not in RENAMED:
        model = predictors.Predictor(name, 768, options)
        model.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
        return model.eval()
    model = {**attention_models.MODELS, **mamba.MODELS, **rwkv.MODELS}[name]()
    model.load_state_dict(state_of(name, tensors))
    return model.eval()


sessions, paths = {}, {}


def start(model, path, folder, options, probe):
    sessions.clear()
    gc.collect()
    paths.update({kind: os.path.join(folder, f"{kind}.onnx") for kind in ("fp32", "int8")})
    module = module_of(model, load_file(path), options)
    x = torch.tensor(probe)
    axes = {"x": {0: "batch"}, "y": {0: "batch"}}
    with torch.no_grad():
        torch.onnx.export(module, (x,), paths["fp32"], input_names=["x"], output_names=["y"], dynamic_axes=axes, opset_version=17, dynamo=False)
    quantize_dynamic(paths["fp32"], paths["int8"], weight_type=QuantType.QInt8, per_channel=True)
    outputs = {kind: run(kind, 1, x.numpy()).tolist() for kind in paths}
    versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "torch": torch.__version__}
    return {"versions": versions, "outputs": outputs, "bytes": {kind: os.path.getsize(path) for kind, path in paths.items()}}


def run(kind, threads, x):
    if (kind, threads) not in sessions:
        sessions.clear()  # one copy of the weights at a time
        gc.collect()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        sessions[kind, threads] = onnxruntime.InferenceSession(paths[kind], options, providers=["CPUExecutionProvider"])
    return sessions[kind, threads].run(None, {"x": x})[0]


def timed(kind, threads, batch, seconds, clock):
    """Time of a call by the clock, after one that is not counted. Units: ms."""
    x = np.random.default_rng(0).normal(size=(batch, 5, 768)).astype(np.float32)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    run(kind, threads, x)
    found, used, end = [], time.process_time(), time.perf_counter() + seconds
    while len(found) < 2 or time.perf_counter() < end:
        began = time.perf_counter()
        run(kind, threads, x)
        found.append(1e3 * (time.perf_counter() - began))
    by = {"wall": float(np.median(found)), "least": min(found), "cpu": 1e3 * (time.process_time() - used) / len(found)}
    return {"ms": by[clock]}


for line in sys.stdin:
    question = json.loads(line)
    command = question.pop("command")
    try:
        answer = {"open": start, "time": timed}[command](**question)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
