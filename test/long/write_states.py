"""write_states.py FOLDER BASE.npy: checkpoints in the formats of PyTorch training scripts, and their metrics in numpy.

The classes are those of the specification, not of predictors.py; metrics are computed in float64. metrics.json lists for every file its
model and its figures on all windows of 5 + 1 vectors of base.npy, which is BASE.npy without its articles.
"""

import argparse
import collections
import json
import os
import pathlib
import sys

import numpy as np
import torch
from torch import nn

folder, base = pathlib.Path(sys.argv[1]), np.load(sys.argv[2])
np.save(folder / "base.npy", base)
DIM = base.shape[1]
x = np.stack([base[i : len(base) - 5 + i] for i in range(5)], 1)
y = base[5:]


def mlp(width):
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, DIM))


class LSTMVectorPredictor(nn.Module):
    def __init__(self, hidden_dim=24, num_layers=2, head=None):
        super().__init__()
        self.lstm = nn.LSTM(DIM, hidden_dim, num_layers, batch_first=True)
        if head:
            self.head = head(hidden_dim)
        else:
            self.output_proj = nn.Linear(hidden_dim, DIM)

    def forward(self, x):
        return (self.head if hasattr(self, "head") else self.output_proj)(self.lstm(x)[0][:, -1])


class MambaBlock(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.mamba = nn.GRU(d_model, d_model, batch_first=True)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x):
        return x + self.mamba(self.norm(x))[0]


class GRUBlock(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.gru = nn.GRU(d_model, d_model, batch_first=True)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x):
        return self.norm(x + self.gru(x)[0])


class Mamba2VectorPredictor(nn.Module):
    def __init__(self, block=MambaBlock, d_model=24, num_layers=3):
        super().__init__()
        self.input_proj = nn.Linear(DIM, d_model)
        self.blocks = nn.ModuleList([block(d_model) for _ in range(num_layers)])
        self.output_proj = nn.Linear(d_model, DIM)

    def forward(self, x):
        x = self.input_proj(x)
        for block in self.blocks:
            x = block(x)
        return self.output_proj(x[:, -1])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=100):
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        angles = torch.arange(max_len).unsqueeze(1) * torch.exp(torch.arange(0, d_model, 2) * (-np.log(10000.0) / d_model))
        pe[:, 0::2], pe[:, 1::2] = torch.sin(angles), torch.cos(angles)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return x + self.pe[:, : x.shape[1]]


class TransformerVectorPredictor(nn.Module):
    def __init__(self, d_model=32, nhead=8, num_layers=2, dim_feedforward=48, head=nn.Linear):
        super().__init__()
        self.input_proj = nn.Linear(DIM, d_model)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward, 0.1, batch_first=True)
        self.transformer_decoder = nn.TransformerDecoder(layer, num_layers)
        self.head = mlp(d_model) if head is mlp else nn.Linear(d_model, DIM)

    def forward(self, x):
        z = self.pos_encoder(self.input_proj(x))
        mask = torch.triu(torch.full((x.shape[1], x.shape[1]), -torch.inf, dtype=x.dtype), 1)
        return self.head(self.transformer_decoder(z, z, tgt_mask=mask, memory_mask=mask)[:, -1])


def metrics(model):
    """Metrics of the current weights in float64."""
    with torch.no_grad():
        raw = model.double().eval()(torch.from_numpy(x.astype("f8"))).numpy()
    target = y.astype("f8")
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    cosine = (unit * target).sum(1) / np.linalg.norm(target, axis=1)
    return {
        "n": len(target),
        "mse_raw": ((raw - target) ** 2).mean(),
        "mse_unit": ((unit - target) ** 2).mean(),
        "cosine": {"mean": cosine.mean(), "sd": cosine.std(), "median": np.median(cosine), "p10": np.percentile(cosine, 10)},
    }


found = {}


def made(name, cli, model, content, **options):
    torch.save(content, folder / f"{name}.pt", **options)
    found[name] = {"model": cli, "parameters": sum(p.numel() for p in model.parameters()), "metrics": metrics(model)}


def trained(model):
    """Trains a few steps, so that weights and optimizer moments differ from their initial values."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
    for i in range(3):
        optimizer.zero_grad()
        out = model(torch.from_numpy(x[i * 32 : i * 32 + 32].astype("f4")))
        nn.functional.mse_loss(out, torch.from_numpy(y[i * 32 : i * 32 + 32].astype("f4"))).backward()
        optimizer.step()
    return model, optimizer


torch.manual_seed(3)
model, optimizer = trained(LSTMVectorPredictor())
made("ordered-dict", "lstm", model, model.state_dict())
made("legacy", "lstm", model, {k: v.float() for k, v in model.state_dict().items()}, _use_new_zipfile_serialization=False)
made("double", "lstm", model, {"state_dict": model.state_dict()})
model, _ = trained(LSTMVectorPredictor(head=mlp))
made("plain-dict", "lstm", model, dict(model.state_dict()))

model, optimizer = trained(Mamba2VectorPredictor())
args = argparse.Namespace(lr=5e-4, d_model=24, num_layers=3, out=pathlib.Path("artifacts/lvm"), device=torch.device("cpu"))
made("checkpoint", "gru", model, {
    "epoch": 12, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
    "val_loss": np.float64(0.000503), "val_cosine": 0.7833, "args": args,
})
model, _ = trained(Mamba2VectorPredictor(GRUBlock))
made("data-parallel", "gru", model, {"model_state_dict": nn.DataParallel(model).state_dict()})
model, _ = trained(Mamba2VectorPredictor())
made("compiled", "gru", model, {f"_orig_mod.{k}": v for k, v in model.state_dict().items()})

model, optimizer = trained(TransformerVectorPredictor(head=mlp))
made("transformer", "transformer", model, {"model_state_dict": model.state_dict(), "args": vars(argparse.Namespace(nhead=8))})
model, _ = trained(TransformerVectorPredictor(nhead=2))
made("two-heads", "transformer", model, {"model_state_dict": model.state_dict(), "args": {"nhead": 2, "d_model": 32}})
made("two-heads-namespace", "transformer", model, {"model_state_dict": model.state_dict(), "args": argparse.Namespace(nhead=2, d_model=32)})

model, _ = trained(TransformerVectorPredictor())
for p in model.parameters():
    p.data = p.data.bfloat16().float()
made("bfloat16", "transformer", model, collections.OrderedDict((k, v.bfloat16()) for k, v in model.state_dict().items()))
model, _ = trained(Mamba2VectorPredictor())
for p in model.parameters():
    p.data = p.data.half().float()
made("float16", "gru", model, {k: v.half() for k, v in model.state_dict().items()})

model, _ = trained(LSTMVectorPredictor())
state = {k: v.detach() for k, v in model.state_dict().items()}
storage = torch.cat([torch.zeros(7), *(v.flatten() for v in state.values()), torch.zeros(5)])
at, views = 7, {}
for k, v in state.items():
    views[k], at = storage[at : at + v.numel()].view(v.shape), at + v.numel()
made("shared-storage", "lstm", model, views)
strided = {k: v.t().contiguous().t() if v.dim() == 2 else torch.stack([v, -v], 1)[:, 0] for k, v in state.items()}
assert not any(v.is_contiguous() for v in strided.values())
made("not-contiguous", "lstm", model, strided)
made("parameters", "lstm", model, {k: nn.Parameter(v.float()) for k, v in state.items()})

# Files that import must refuse.
lacking = {k: v for k, v in state.items() if k not in ("lstm.bias_hh_l1", "lstm.weight_ih_l0")}
torch.save(lacking, folder / "bad-missing.pt")
torch.save(state | {"lstm.extra": torch.zeros(2), "decoder.weight": torch.zeros(2, 2)}, folder / "bad-unexpected.pt")
torch.save(state | {"lstm.weight_hh_l1": torch.zeros(96, 23)}, folder / "bad-shape.pt")
torch.save(state | {"output_proj.weight": torch.zeros(DIM)}, folder / "bad-head.pt")
torch.save(state | {"lstm.bias_ih_l0": torch.full((96,), torch.nan)}, folder / "bad-nan.pt")
torch.save(state | {"lstm.bias_ih_l0": "0.1"}, folder / "bad-text.pt")
torch.save([1, 2, 3], folder / "bad-list.pt")
torch.save(trained(LSTMVectorPredictor())[0], folder / "bad-module.pt")


class Evil:
    def __reduce__(self):
        return os.system, (f"touch '{folder}/was-run'",)


torch.save(state | {"evil": Evil()}, folder / "bad-evil.pt")
torch.save({"model_state_dict": state, "args": Evil()}, folder / "bad-evil-legacy.pt", _use_new_zipfile_serialization=False)

(folder / "metrics.json").write_text(json.dumps(found))
print(json.dumps(sorted(found)))
