"""The first three predictors in plain torch.nn, with the parameter names of our checkpoints, and the windows and batches of our trainer."""

import json
import math
import pathlib

import numpy as np
import torch
from torch import nn


class Lstm(nn.Module):
    def __init__(self, width, o):
        super().__init__()
        self.lstm = nn.LSTM(width, o["width"], o["layers"], batch_first=True, dropout=o["dropout"])

    def forward(self, x):
        return self.lstm(x)[0]


class GruBlock(nn.Module):
    def __init__(self, width, kind):
        super().__init__()
        self.kind = kind
        setattr(self, "mamba" if kind == "pre" else "gru", nn.GRU(width, width, batch_first=True))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return x + self.mamba(self.norm(x))[0] if self.kind == "pre" else self.norm(x + self.gru(x)[0])


class Gru(nn.Module):
    def __init__(self, width, o):
        super().__init__()
        self.blocks = nn.ModuleList(GruBlock(width, o["norm"]) for _ in range(o["layers"]))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Transformer(nn.Module):
    def __init__(self, width, o):
        super().__init__()
        layer = nn.TransformerDecoderLayer(width, o["heads"], o["ffn"] or 4 * width, o["dropout"], batch_first=True)
        self.transformer_decoder = nn.TransformerDecoder(layer, o["layers"])
        rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        angles = torch.arange(100).unsqueeze(1) * rates
        self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], -1).flatten(1), persistent=False)

    def forward(self, x):
        z = x + self.pe[: x.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
        return self.transformer_decoder(z, z, tgt_mask=mask, memory_mask=mask)


class Predictor(nn.Module):
    """raw = head(core(in_proj(scaled x)))[last] + a · anchor, and its unit vector."""

    def __init__(self, kind, dim, o):
        super().__init__()
        self.o, self.dim, width = o, dim, o["width"]
        memories, reads = o.get("memories") or 6, dim
        if o["input"] == "memory":
            reads = dim * (1 + memories)
            self.input = nn.ParameterDict({"decay": torch.ones(memories)})
        if kind != "lstm":
            self.in_proj = nn.Linear(reads, width)
        self.core = {"lstm": Lstm, "gru": Gru, "transformer": Transformer}[kind](reads if kind == "lstm" else width, o)
        mlp = [nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, dim)]
        self.head = nn.Linear(width, dim) if o["head"] == "linear" else nn.Sequential(*mlp)
        if o["residual"] != "none":
            self.residual = nn.ParameterDict({"weight": torch.ones(memories if o["residual"] == "memory" else 1)})
        if o["residual"] in ("decay", "memory"):
            self.residual["decay"] = torch.ones_like(self.residual["weight"])
        if o["residual"] == "memory":
            entries = 2 * memories + memories * (memories - 1) // 2
            self.residual["summary"] = torch.zeros(memories, entries)
            self.residual["gate"] = torch.zeros(memories, width)
            self.residual["map"] = torch.zeros(dim, dim)
            for name, value in (("center", torch.zeros(dim)), ("summary_center", torch.zeros(entries)), ("summary_scale", torch.ones(entries))):
                self.residual.register_buffer(name, value)
        if o["input_scale"] in ("standardize", "whiten"):
            self.input = getattr(self, "input", nn.Module())
            self.input.register_buffer("center", torch.zeros(dim))
        if o["input_scale"] == "standardize":
            self.input.register_buffer("scale", torch.ones(dim))
        if o["input_scale"] == "whiten":
            self.input.register_buffer("whitening", torch.eye(dim))

    def scaled(self, x):
        kind = self.o["input_scale"]
        scales = {
            "none": lambda: x,
            "sqrt_dim": lambda: x * self.dim**0.5,
            "standardize": lambda: (x - self.input.center) / self.input.scale,
            "whiten": lambda: (x - self.input.center) @ self.input.whitening,
        }
        return scales[kind]()

    def anchored(self, x):
        time = x.shape[1]
        rate = torch.sigmoid(self.residual["decay"]) if "decay" in self.residual else torch.ones(1, dtype=x.dtype)
        weights = rate ** torch.arange(time - 1, -1, -1)
        return x[:, -1] if self.o["residual"] == "last" else torch.einsum("t,btd->bd", weights / weights.sum(), x)

    def remembered(self, x):
        """Each vector beside the exponential means of all up to it."""
        age = torch.arange(x.shape[1])[:, None] - torch.arange(x.shape[1])
        weights = (torch.sigmoid(self.input["decay"])[:, None, None] ** age.clamp_min(0)).tril()
        means = torch.einsum("kij,bjd->bikd", weights / weights.sum(-1, keepdim=True), x)
        return torch.cat([x, means.flatten(2)], -1)

    def mixture(self, x, features):
        r = self.residual
        ages = torch.sigmoid(r["decay"])[:, None] ** torch.arange(x.shape[1] - 1, -1, -1)
        totals = ages.sum(1)
        means = torch.einsum("kt,btd->bkd", ages / totals[:, None], x)
        norms = means.norm(dim=-1)
        a, b = torch.triu_indices(len(totals), len(totals), 1)
        cosines = nn.functional.cosine_similarity(means[:, a], means[:, b], dim=-1)
        z = (torch.cat([totals.log().expand_as(norms), norms, cosines], -1) - r.summary_center) / r.summary_scale
        weights = r["weight"] + z @ r["summary"].T + features @ r["gate"].T / features.shape[-1] ** 0.5
        mixed = torch.einsum("bk,bkd->bd", weights, means - r.center)
        return mixed + mixed @ r["map"].T / self.dim**0.5

    def forward(self, x):
        u = self.scaled(x)
        if self.o["input"] == "memory":
            u = self.remembered(u)
        features = self.core(self.in_proj(u) if hasattr(self, "in_proj") else u)[:, -1]
        raw = self.head(features)
        if self.o["residual"] == "memory":
            return raw / self.dim**0.5 + self.mixture(x, features)
        return raw if self.o["residual"] == "none" else raw + self.residual["weight"] * self.anchored(x)


def read(path):
    """Loads one of our checkpoints and builds its module from the file alone."""
    checkpoint = torch.load(path, weights_only=True)
    args = checkpoint["args"]
    model = Predictor(args["model"], args["vector_dim"], args["model_options"])
    model.load_state_dict(checkpoint["model_state_dict"], strict=True)
    return checkpoint, model


def document(*path):
    return json.loads(pathlib.Path(*path).read_text())


class Windows:
    """Contexts and targets by target row, the rows of split.json and of the index of predictions."""

    def __init__(self, data, context, dtype=torch.float32):
        self.vectors, self.context, self.dtype = np.load(data, mmap_mode="r"), context, dtype

    def __call__(self, rows):
        rows = np.asarray(rows)
        context = self.vectors[rows[:, None] + np.arange(-self.context, 0)]
        return torch.from_numpy(context).to(self.dtype), torch.from_numpy(self.vectors[rows]).to(self.dtype)


def order(rows, seed, epoch):
    """Rows in the order of our trainer: SplitMix64 of seed and epoch seeds a permutation of PyTorch's."""
    mask = 2**64 - 1
    z = (seed + (epoch + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    generator = torch.Generator().manual_seed(z ^ (z >> 31))
    return np.asarray(rows)[torch.randperm(len(rows), generator=generator).numpy()]


@torch.no_grad()
def outputs(model, windows, rows, batch=256):
    """Raw outputs in eval mode, in the precision of the windows. Shapes: [rows, dim]."""
    model.eval().to(windows.dtype)
    return torch.cat([model(windows(rows[i : i + batch])[0]) for i in range(0, len(rows), batch)])
