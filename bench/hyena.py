"""Hyena as a plain PyTorch module: once with a convolution by shifts, the fastest form at a short context, and once as
published, with a convolution by FFT.
"""

import math

import torch
import torch.nn.functional as F
from s4 import by_spectra, shifted
from torch import nn

DIM, WIDTH, FFN, LAYERS, ROWS, FILTER, BANDS = 768, 768, 3072, 17, 64, 64, 16


class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        t, w = torch.linspace(0, 1, ROWS)[:, None], 2 * math.pi * torch.arange(ROWS)[:, None] / ROWS
        angle = torch.linspace(1e-4, BANDS - 1, BANDS) * w
        self.z = nn.Parameter(torch.cat([t, angle.cos(), -angle.sin()], -1))
        self.inner = nn.ModuleList([nn.Linear(2 * BANDS + 1, FILTER), nn.Linear(FILTER, FILTER), nn.Linear(FILTER, FILTER)])
        self.freq, self.last = nn.Parameter(torch.full((1, FILTER), 14.0)), nn.Linear(FILTER, WIDTH, bias=False)
        self.register_buffer("decay", torch.exp(-t * torch.linspace(math.log(0.01) / 1.5, math.log(0.01) / 0.3, WIDTH).abs()))

    def forward(self, time):
        h = self.z[:time]
        for linear in self.inner:
            h = torch.sin(self.freq * linear(h))
        return (self.last(h) * self.decay[:time]).T


class Block(nn.Module):
    def __init__(self, published):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.in_proj, self.out_proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.short, self.published = nn.Conv1d(3 * WIDTH, 3 * WIDTH, 3, groups=3 * WIDTH, padding=2), published
        self.filter, self.D = Filter(), nn.Parameter(torch.randn(WIDTH))
        self.mlp = nn.Sequential(nn.Linear(WIDTH, FFN), nn.GELU("tanh"), nn.Linear(FFN, WIDTH))

    def gates(self, u):
        if self.published:
            return self.short(u.transpose(1, 2)).transpose(1, 2)[:, : u.shape[1]]
        past = F.pad(u, (0, 0, 2, 0))
        return sum(self.short.weight[:, 0, j] * past[:, j : j + u.shape[1]] for j in range(3)) + self.short.bias

    def forward(self, x):
        first, second, v = self.gates(self.in_proj(self.norm1(x))).float().chunk(3, -1)
        with torch.autocast("cpu", enabled=False):
            v = v * second
            v = (by_spectra if self.published else shifted)(self.filter(v.shape[1]), v) + self.D * v
        x = x + self.out_proj(v * first)
        return x + self.mlp(self.norm2(x))


class Hyena(nn.Module):
    def __init__(self, published=False):
        super().__init__()
        self.in_proj, self.norm, self.head = nn.Linear(DIM, WIDTH), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, DIM)
        self.blocks = nn.Sequential(*(Block(published) for _ in range(LAYERS)))

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.in_proj(x * DIM**0.5))[:, -1]))


MODELS = {"hyena": Hyena, "hyena_reference": lambda: Hyena(published=True)}
