"""Computes the predictions of a quantised mlp without lvm-torch: python examples/read_int8.py artifacts/lvm/models/mlp_int8"""

import base64, json, sys

import numpy as np
import torch
from safetensors import safe_open

manifest = json.load(open(f"{sys.argv[1]}/manifest.json"))
weights = {}
with safe_open(f"{sys.argv[1]}/quantized.safetensors", "pt") as file:
    matrices = json.loads(file.metadata()["matrices"])
    for name in file.keys():
        weights[name] = file.get_tensor(name).float()
        if name in matrices:  # integers [out, in], with one scale per output
            weights[name] *= file.get_tensor(f"{name}.scale")[:, None]


def run(node, x, path=""):
    """Runs the ops of an mlp; the manifest describes the model as a tree of ops."""
    path = ".".join(part for part in (path, node.get("name")) if part)
    if node["op"] == "linear":
        return x @ weights[f"{path}.weight"].T + weights[f"{path}.bias"]
    if node["op"] == "activation":
        return torch.nn.functional.gelu(x)
    if node["op"] == "flatten":
        return x.flatten(1)
    if node["params"].get("inputScale") == "sqrt_dim":
        x = x * x.shape[-1] ** 0.5
    for part in node["of"]:
        x = run(part, x, path)
    return x


golden = manifest["golden"]  # seeded contexts, and the outputs of the run for them
numbers = lambda text, *shape: torch.tensor(np.frombuffer(base64.b64decode(text), "<f4")).view(*shape)
x = numbers(golden["inputs"], golden["rows"], golden["context"], manifest["dim"])
want = numbers(golden["outputs"]["quantized"], golden["rows"], -1)
unit = torch.nn.functional.normalize
print(f"largest difference {(unit(run(manifest['spec'], x)) - unit(want)).abs().max():.1e}")
