"""PyTorch's side of bench/gpu/check.mjs: a worker that answers one JSON line per question, on any device.

{"command": "ceilings", "device": "cuda:0"} → {"ceilings": {"fp32": …, "bf16": …, "copy": …}}
{"command": "train", "model": "lstm", "precision": "fp32", "compile": false, "steps": 20, …} → {"ms": …}
{"command": "predict", "model": "lstm", "batch": 1, "compile": false, "calls": 20, …} → {"ms": …}

The training step is that of train_step.py: fused AdamW, vectors on the device, no synchronisation inside the loop.
"""

import json
import os
import sys
import time

import torch
import train_step
from torch import nn

device = "cpu"


def wait():
    if device != "cpu":
        torch.accelerator.synchronize()


def per_second(work, amount, seconds=0.4):
    """`amount` divided by the shortest time of `work`."""
    best, until = float("inf"), time.perf_counter() + seconds
    work()
    wait()
    while time.perf_counter() < until:
        wait()
        began = time.perf_counter()
        work()
        wait()
        best = min(best, time.perf_counter() - began)
    return amount / best


def ceilings():
    n = 8192 if device != "cpu" else 1024
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.randn(n, n, dtype=dtype), torch.randn(n, n, dtype=dtype)
        found[name] = {"value": per_second(lambda: a @ b, 2 * n**3 / 1e12), "unit": "TFLOP/s"}
    # products of the training step: batch 32 and 5 positions, one of the shapes of a layer
    for name, (rows, out, inner) in {"step": (160, 2048, 512), "step_dx": (160, 512, 2048), "step_dw": (2048, 512, 160)}.items():
        a, b = torch.randn(rows, inner), torch.randn(inner, out)
        found[f"fp32 {rows}x{inner}x{out}"] = {"value": per_second(lambda: [a @ b for _ in range(20)], 20 * 2 * rows * out * inner / 1e12), "unit": "TFLOP/s"}
    size = 2**28 if device != "cpu" else 2**24
    x, y = torch.empty(size), torch.empty(size)
    found["copy"] = {"value": per_second(lambda: y.copy_(x), 8 * size / 1e9), "unit": "GB/s"}
    return found


class Training(train_step.Trainer):
    """The step of train_step.py on a device, with its precision by autocast and torch.compile in the mode for small batches."""

    def __init__(self, base, name, precision, compiled):
        super().__init__(base, name, precision, False, warm_up=0)
        if compiled:
            self.model = torch.compile(self.model, mode="reduce-overhead" if device != "cpu" else "default")
        self.run(train_step.WARM_UP)
        wait()

    def autocast(self):
        return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=self.bf16)

    def step(self):
        if device != "cpu" and hasattr(torch.compiler, "cudagraph_mark_step_begin"):
            torch.compiler.cudagraph_mark_step_begin()
        return super().step()


def train(ask, kept):
    key = "train", ask["model"], ask["precision"], ask["compile"]
    if key not in kept:
        # rounds alternate between eager and compiled, so both stay; other models go
        for other in [k for k in kept if k != "base" and k[:3] != key[:3]]:
            del kept[other]
        kept[key] = Training(kept["base"], *key[1:])
    trainer = kept[key]
    wait()
    began = time.perf_counter()
    loss = None
    for _ in range(ask["steps"]):
        loss = trainer.step()
    wait()
    ms = (time.perf_counter() - began) * 1e3 / ask["steps"]
    return {"ms": ms, "loss": loss.item(), "parameters": sum(p.numel() for p in trainer.parameters), "peak": peak()}


def peak():
    return torch.cuda.max_memory_allocated() if device.startswith("cuda") else None


def predict(ask, kept):
    key = "predict", ask["model"], ask["batch"], ask["compile"]
    if key not in kept:
        for other in [k for k in kept if k != "base" and k[:3] != key[:3]]:
            del kept[other]
        torch.manual_seed(0)
        model = train_step.MODELS[ask["model"]]().eval()
        if ask["compile"]:
            model = torch.compile(model, mode="reduce-overhead" if device != "cpu" else "default")
        kept[key] = model, torch.randn(ask["batch"], train_step.CONTEXT, train_step.DIM, device="cpu")
    model, x = kept[key]
    with torch.inference_mode():
        for i in range(ask["calls"] + 3):
            if i == 3:
                wait()
                began = time.perf_counter()
            # a caller has its vectors on the host and wants the prediction there, as lvm-torch's does
            nn.functional.normalize(model(x.to(device)).float(), dim=-1).cpu()
    return {"ms": (time.perf_counter() - began) * 1e3 / ask["calls"]}


def main():
    global device
    kept = {}
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if device != ask["device"]:
                device = ask["device"]
                torch.set_default_device(device)
            if "threads" in ask:
                torch.set_num_threads(ask["threads"])
            if "base" not in kept:
                kept["base"] = nn.functional.normalize(torch.randn(train_step.ROWS, train_step.DIM), dim=-1)
            answer = {"ceilings": ceilings()} if ask["command"] == "ceilings" else {"train": train, "predict": predict}[ask["command"]](ask, kept)
        except Exception as error:  # report the error and keep the worker
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(os.environ.get("TMPDIR", "/tmp"), "lvm-check-gpu-inductor"))
    main()
