"""write_s4.py FOLDER: random weights in the format of state-spaces/s4, and their outputs in numpy's complex128.

The kernel is the inverse transform of its values at the L roots of unity, computed from C~ as in the reference. FOLDER/s4.pt is the
checkpoint; FOLDER/s4-hidden.safetensors has `x` [batch, time, width] and `hidden`.
"""

import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(3)
D, HALF, L, T, COPIES = 6, 4, 13, 9, 2
state = {"encoder.0.weight": rng.normal(size=(11, D)), "decoder.output_transform.weight": rng.normal(size=(11, D))}


def complex_of(name):
    return state[name][0, ..., 0] + 1j * state[name][0, ..., 1]


def pairs(x):
    return np.concatenate([x, x.conj()], -1)


def linear(name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def norm(name, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * state[f"{name}.weight"] + state[f"{name}.bias"]


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2


def kernel(prefix):
    rows = lambda x: np.tile(x, (D // COPIES, 1))
    dt = np.exp(state[f"{prefix}inv_dt"])
    eigen = pairs(rows(-np.exp(state[f"{prefix}A_real"]) - 1j * state[f"{prefix}A_imag"]))
    B, P, C = pairs(rows(complex_of(f"{prefix}B"))), pairs(rows(complex_of(f"{prefix}P"))), pairs(complex_of(f"{prefix}C"))
    w = np.exp(-2j * np.pi * np.arange(L // 2 + 1) / L)
    z = 2 * (1 - w) / (1 + w)
    r = lambda v: ((v * dt)[..., None] / (z - (dt * eigen)[..., None])).sum(1)
    k = (r(C * B) - r(C * P) * r(P.conj() * B) / (1 + r(P.conj() * P))) * 2 / (1 + w)
    return np.fft.irfft(k, n=L)[:, :T]


def add_norm(name):
    state[f"{name}.weight"], state[f"{name}.bias"] = 1 + rng.normal(size=D) / 5, rng.normal(size=D) / 5


def add_linear(name, into, out):
    state[f"{name}.weight"], state[f"{name}.bias"] = rng.normal(size=(out, into)) / np.sqrt(into), rng.normal(size=out) / 5


for i, kind in enumerate("ssf"):
    add_norm(f"model.layers.{i}.norm.norm")
    layer = f"model.layers.{i}.layer"
    if kind == "f":
        add_linear(f"{layer}.ff.0.0", D, 4 * D)
        add_linear(f"{layer}.ff.2", 4 * D, D)
        continue
    add_linear(f"{layer}.output_linear.0", D, 2 * D)
    state[f"{layer}.layer.D"] = rng.normal(size=(1, D))
    inner = f"{layer}.layer.kernel."
    state[f"{inner}inv_dt"] = rng.uniform(np.log(0.05), np.log(0.3), size=(D, 1))
    state[f"{inner}A_real"] = np.log(0.5) + rng.normal(size=(COPIES, HALF)) / 5
    state[f"{inner}A_imag"] = np.abs(rng.normal(size=(COPIES, HALF))) * 4
    for name, shape in ("B", (1, COPIES, HALF, 2)), ("P", (1, COPIES, HALF, 2)), ("C", (1, D, HALF, 2)):
        state[f"{inner}{name}"] = rng.normal(size=shape) / 2
    state[f"{inner}l_kernel"] = np.int64(L)
add_norm("model.norm.norm")
state = {name: np.float32(value).astype(np.float64) if np.ndim(value) else value for name, value in state.items()}

inputs = np.float32(rng.normal(size=(2, T, D)))
x = inputs.astype(np.float64)
for i, kind in enumerate("ssf"):
    u, layer = norm(f"model.layers.{i}.norm.norm", x), f"model.layers.{i}.layer"
    if kind == "f":
        x = x + linear(f"{layer}.ff.2", gelu(linear(f"{layer}.ff.0.0", u)))
        continue
    k = kernel(f"{layer}.layer.kernel.")
    y = np.stack([(k[:, : t + 1][:, ::-1].T * u[:, : t + 1]).sum(1) for t in range(T)], 1) + u * state[f"{layer}.layer.D"]
    a, b = np.split(linear(f"{layer}.output_linear.0", gelu(y)), 2, -1)
    x = x + a / (1 + np.exp(-b))
hidden = norm("model.norm.norm", x)

tensors = {name: torch.tensor(value, dtype=torch.float32 if np.ndim(value) else torch.int64) for name, value in state.items()}
torch.save(tensors, folder / "s4.pt")
save_file({"x": torch.tensor(inputs), "hidden": torch.tensor(np.float32(hidden))}, folder / "s4-hidden.safetensors")
print(f'{{"s4": {D}}}')
