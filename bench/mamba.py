"""Mamba-2 and its hybrid with attention as plain PyTorch modules: once over all pairs of positions, the fastest form at a short
context, and once as published (arXiv:2405.21060, listing 1), in chunks of 64 positions; shorter contexts are padded.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, STATE, HEAD, TAPS, CHUNK = 768, 128, 64, 4, 64
INNER, HEADS = 2 * WIDTH, 2 * WIDTH // HEAD


class Rms(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, 1e-5)


class Conv(nn.Module):
    """Causal convolution over the last `TAPS` positions of every channel, by scaled shifts."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(channels, 1, TAPS) - 0.5)
        self.bias = nn.Parameter(torch.rand(channels) - 0.5)

    def forward(self, x):
        past = F.pad(x, (0, 0, TAPS - 1, 0))
        return sum(self.weight[:, 0, j] * past[:, j : j + x.shape[1]] for j in range(TAPS)) + self.bias


class PublishedConv(nn.Conv1d):
    def __init__(self, channels):
        super().__init__(channels, channels, TAPS, groups=channels, padding=TAPS - 1)

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)[:, : x.shape[1]]


def segments(a):
    """[…, t] → […, t, s]: the sum of a over s < j ≤ t, and −∞ for s > t."""
    time = a.shape[-1]
    lower = torch.ones(time, time, dtype=torch.bool).tril(-1)
    sums = a[..., None].expand(*a.shape, time).masked_fill(~lower, 0).cumsum(-2)
    return sums.masked_fill(~torch.ones(time, time, dtype=torch.bool).tril(), -torch.inf)


def all_pairs(x, a, dt, b, c):
    decay = segments(a.transpose(1, 2)).exp()  # [batch, heads, t, s]
    weights = (c @ b.transpose(1, 2))[:, None] * decay * dt.transpose(1, 2)[:, :, None]
    return torch.einsum("bhts,bshp->bthp", weights, x)


def in_chunks(x, a, dt, b, c):
    time = x.shape[1]
    fill = -time % CHUNK
    chunks = lambda t: F.pad(t, (0, 0) * (t.dim() - 2) + (0, fill)).unflatten(1, (-1, CHUNK))
    x, b, c = chunks(x * dt[..., None]), chunks(b)[:, :, :, None], chunks(c)[:, :, :, None]
    a = chunks(a).permute(0, 3, 1, 2)
    sums = a.cumsum(-1)
    inside = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", c, b, segments(a).exp(), x)
    states = torch.einsum("bclhn,bhcl,bclhp->bchpn", b, (sums[..., -1:] - sums).exp(), x)
    states = torch.cat([torch.zeros_like(states[:, :1]), states], 1)
    carried = torch.einsum("bhzc,bchpn->bzhpn", segments(F.pad(sums[..., -1], (1, 0))).exp(), states)[:, :-1]
    before = torch.einsum("bclhn,bchpn,bhcl->bclhp", c, carried, sums.exp())
    return (inside + before).flatten(1, 2)[:, :time]


class Mixer(nn.Module):
    def __init__(self, layers, published):
        super().__init__()
        self.dt_bias = nn.Parameter(torch.empty(HEADS).uniform_(-6.9, -2.3))
        self.A_log = nn.Parameter(torch.empty(HEADS).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(HEADS))
        self.in_proj = nn.Linear(WIDTH, 2 * INNER + 2 * STATE + HEADS, bias=False)
        self.conv1d = (PublishedConv if published else Conv)(INNER + 2 * STATE)
        self.norm = Rms(INNER)
        self.out_proj = nn.Linear(INNER, WIDTH, bias=False)
        with torch.no_grad():
            self.out_proj.weight /= math.sqrt(layers)
        self.ssd = in_chunks if published else all_pairs

    def forward(self, n):
        z, xbc, dt = self.in_proj(n).split([INNER, INNER + 2 * STATE, HEADS], -1)
        dt = F.softplus(dt + self.dt_bias)
        x, b, c = F.silu(self.conv1d(xbc)).split([INNER, STATE, STATE], -1)
        x = x.unflatten(-1, (HEADS, HEAD))
        y = self.ssd(x, dt * -self.A_log.exp(), dt, b, c) + x * self.D[:, None]
        return self.out_proj(self.norm(y.flatten(2) * F.silu(z)))


class Attention(nn.Module):
    def __init__(self, layers, published):
        super().__init__()
        self.in_proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.conv1d = (PublishedConv if published else Conv)(3 * WIDTH)
        self.out_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        with torch.no_grad():
            self.out_proj.weight /= math.sqrt(layers)

    def forward(self, n):
        q, k, v = self.conv1d(self.in_proj(n)).unflatten(-1, (3, WIDTH // HEAD, HEAD)).permute(2, 0, 3, 1, 4)
        angles = torch.arange(n.shape[1])[:, None] * 10000.0 ** (-torch.arange(0, HEAD // 2, 2) / (HEAD // 2))
        sin, cos = angles.sin(), angles.cos()

        def turn(x):
            x0, x1, rest = x.split([HEAD // 4, HEAD // 4, HEAD // 2], -1)
            return torch.cat([x0 * cos - x1 * sin, x1 * cos + x0 * sin, rest], -1).to(v.dtype)

        y = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class Mamba(nn.Module):
    def __init__(self, layers, attention_every=None, published=False):
        super().__init__()
        self.in_proj = nn.Linear(WIDTH, WIDTH)
        attends = lambda i: attention_every is not None and (i + 1) % attention_every == 0
        self.mixers = nn.ModuleList((Attention if attends(i) else Mixer)(layers, published) for i in range(layers))
        self.norms = nn.ModuleList(Rms(WIDTH) for _ in range(layers + 1))
        self.head = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        x = self.in_proj(x * math.sqrt(WIDTH))
        for norm, mixer in zip(self.norms, self.mixers):
            x = x + mixer(norm(x))
        return self.head(self.norms[-1](x[:, -1]))


MODELS = {
    "mamba2": lambda: Mamba(34),
    "mamba2_reference": lambda: Mamba(34, published=True),
    "hybrid": lambda: Mamba(42, 6),
    "hybrid_reference": lambda: Mamba(42, 6, published=True),
}
