"""check_checkpoint.py DATA.npy RUN…: differences of plain torch.nn modules from the figures of each run.

The predictions of RUN are in RUN.npy and RUN.json."""

import base64
import json
import sys

import numpy as np
import torch
from predictors import Windows, document, outputs, read



def decoded(text, *shape):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").reshape(shape).copy())


def checked_file(run, name, golden, dim):
    checkpoint, model = read(f"{run}/{name}.pt")
    found = {key: checkpoint[key] for key in ["epoch", "val_loss", "val_cosine"]}
    found["parameters"] = sum(p.numel() for p in model.parameters())
    found["keys"] = sorted(checkpoint)
    with torch.no_grad():
        raw = model.eval()(decoded(golden["inputs"], golden["rows"], golden["context"], dim))
    want = decoded(golden["outputs"][name], golden["rows"], dim)
    return found | {"golden": float((raw - want).abs().max() / want.abs().max())}


def checked_run(run, data):
    manifest, index = document(run, "manifest.json"), document(f"{run}.json")
    _, model = read(f"{run}/best_model.pt")
    raw = outputs(model, Windows(data, index["context"]), index["rows"])
    ours = torch.from_numpy(np.load(f"{run}.npy"))
    return {
        "parameters": manifest["parameters"],
        "rows": len(ours),
        "predictions": float((torch.nn.functional.normalize(raw, dim=-1) - ours).abs().max()),
        "files": {name: checked_file(run, name, manifest["golden"], manifest["dim"]) for name in ["best_model", "final_model"]},
    }


data, *runs = sys.argv[1:]
print(json.dumps([checked_run(run, data) for run in runs]))
