"""RWKV-4 as plain PyTorch modules, with its recurrence as a softmax over all pairs of positions, the fastest form at a short context."""

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, LAYERS = 768, 22


def mixed(x, mix):
    return x * mix + F.pad(x, (0, 0, 1, -1)) * (1 - mix)


def product(width, out, gain=0.0):
    linear = nn.Linear(width, out, bias=False)
    nn.init.orthogonal_(linear.weight, gain) if gain else nn.init.zeros_(linear.weight)
    return linear


class TimeMixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.time_decay = nn.Parameter(torch.linspace(-5, 3, WIDTH))
        self.time_first = nn.Parameter(torch.full((WIDTH,), math.log(0.3)))
        self.mixes = nn.Parameter(torch.rand(3, WIDTH))
        self.key, self.value = product(WIDTH, WIDTH), product(WIDTH, WIDTH, 1)
        self.receptance, self.output = product(WIDTH, WIDTH), product(WIDTH, WIDTH)

    def forward(self, n):
        k, v, r = (f(mixed(n, m)) for f, m in zip((self.key, self.value, self.receptance), self.mixes))
        k = k.float()
        t = torch.arange(n.shape[1])
        age = (t[:, None] - 1 - t)[..., None]  # [t, s, 1]
        past = torch.where(age < 0, self.time_first, -age * self.time_decay.exp())
        weights = (past + k[:, None]).masked_fill(age < -1, -torch.inf).softmax(2)
        return self.output(torch.sigmoid(r) * (weights * v[:, None]).sum(2))


class ChannelMixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.mixes = nn.Parameter(torch.rand(2, WIDTH))
        self.key, self.receptance, self.value = product(WIDTH, 4 * WIDTH, 2), product(WIDTH, WIDTH), product(4 * WIDTH, WIDTH)

    def forward(self, n):
        k, r = (f(mixed(n, m)) for f, m in zip((self.key, self.receptance), self.mixes))
        return torch.sigmoid(r) * self.value(F.relu(k) ** 2)


class Rwkv(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj = nn.Linear(WIDTH, WIDTH)
        self.first = nn.LayerNorm(WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2 * LAYERS + 1))
        self.layers = nn.ModuleList((ChannelMixing if i % 2 else TimeMixing)() for i in range(2 * LAYERS))
        self.head = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        x = self.first(self.in_proj(x * math.sqrt(WIDTH)))
        for norm, layer in zip(self.norms, self.layers):
            x = x + layer(norm(x))
        return self.head(self.norms[-1](x[:, -1]))


MODELS = {"rwkv": Rwkv}
