"""torchscript.py FILE RUN: loads an export with stock PyTorch and compares it with the golden rows of its run."""

import base64
import json
import pathlib
import resource
import sys

import numpy as np
import torch

module = torch.jit.load(sys.argv[1])
golden = json.loads((pathlib.Path(sys.argv[2]) / "manifest.json").read_text())["golden"]
read = lambda text: np.frombuffer(base64.b64decode(text), np.float32)
outputs = golden["outputs"].get("best_model") or golden["outputs"]["final_model"]
want = torch.tensor(read(outputs).reshape(golden["rows"], -1))
x = torch.tensor(read(golden["inputs"]).reshape(golden["rows"], golden["context"], -1))
with torch.no_grad():
    have = module(x).float()
difference = (have - torch.nn.functional.normalize(want, dim=-1)).abs().max().item()
print(json.dumps({"difference": difference, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
