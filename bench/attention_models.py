"""The attention models of the comparison as plain PyTorch modules, each with the mathematics of its reference."""

import torch
from torch import nn
from torch.nn import functional as F

DIM, CONTEXT = 768, 5


def split(x, heads):  # [batch, time, heads · e] -> [batch, heads, time, e]
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge(x):
    return x.transpose(1, 2).flatten(2)


def rotated(x):  # rotates adjacent pairs of channels by t · 10000^(−2j/e)
    e = x.shape[-1]
    angle = torch.arange(x.shape[-2])[:, None] * 10000.0 ** (-torch.arange(0, e, 2) / e)
    sin, cos = angle.sin(), angle.cos()
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)


class Model(nn.Module):
    """Input projection, blocks, and an output head on the last position."""

    def __init__(self, width, blocks, norm, head):
        super().__init__()
        self.in_proj, self.blocks, self.norm, self.head = nn.Linear(DIM, width), nn.Sequential(*blocks), norm, head

    def positioned(self, z):
        return z

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.positioned(self.in_proj(x))))[:, -1])


class GptBlock(nn.Module):
    def __init__(self, width=768, heads=12):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        q, k, v = (split(t, self.heads) for t in self.c_attn(self.ln_1(x)).chunk(3, -1))
        x = x + self.drop(self.c_proj(merge(F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 * self.training, is_causal=True))))
        return x + self.drop(self.mlp(self.ln_2(x)))


class DistilGpt2(Model):
    def __init__(self):
        head = nn.Sequential(nn.Linear(768, 768), nn.GELU(), nn.LayerNorm(768), nn.Linear(768, DIM))
        super().__init__(768, [GptBlock() for _ in range(11)], nn.LayerNorm(768), head)
        self.wpe, self.drop = nn.Embedding(1024, 768), nn.Dropout(0.1)

    def positioned(self, z):
        return self.drop(z + self.wpe.weight[: z.shape[1]])


def all_pairs(q, k, v):
    pairs = (q @ k.transpose(-1, -2)).tril()
    return pairs @ v / (pairs.sum(-1, keepdim=True) + 1e-6 * q.sum(-1, keepdim=True))


def running_sums(q, k, v):
    """The published causal form without its CUDA kernel: cumulative sums of the outer products of keys and values."""
    context = torch.einsum("bhtm,bhte->bhtme", k, v).cumsum(2)
    scale = 1 / torch.einsum("bhtm,bhtm->bht", q, k.cumsum(2) + 1e-6)
    return torch.einsum("bhtme,bhtm,bht->bhte", context, q, scale)


class PerformerBlock(nn.Module):
    def __init__(self, attention, width=768, heads=8, e=64, m=266):
        super().__init__()
        self.attention = attention
        self.heads, self.s = heads, e**-0.25
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.to_out = nn.Linear(width, 3 * heads * e, bias=False), nn.Linear(heads * e, width, bias=False)
        self.ff = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.register_buffer("projection", torch.randn(m, e))

    def features(self, x, dims):
        a = self.s * x @ self.projection.T
        half = (x * x).sum(-1, keepdim=True) * (self.s**2 / 2)
        return len(self.projection) ** -0.5 * (torch.exp(a - half - a.amax(dims, keepdim=True).detach()) + 1e-4)

    def forward(self, x):
        q, k, v = (split(t, self.heads) for t in self.qkv(self.norm_1(x)).float().chunk(3, -1))
        with torch.autocast("cpu", enabled=False):  # the exponential features need float32
            q, k = self.features(rotated(q), -1), self.features(rotated(k), (-1, -2))
            y = merge(self.attention(q, k, v))
        x = x + self.to_out(y)
        return x + self.ff(self.norm_2(x))


class Performer(Model):
    def __init__(self, attention=all_pairs):
        super().__init__(768, [PerformerBlock(attention) for _ in range(16)], nn.LayerNorm(768), nn.Linear(768, DIM))
        angle = torch.arange(CONTEXT)[:, None] * 10000.0 ** (-torch.arange(0, 768, 2) / 768)
        self.register_buffer("position", torch.cat([angle.sin(), angle.cos()], -1))

    def positioned(self, z):
        return z + self.position


class LinformerBlock(nn.Module):
    def __init__(self, width=768, heads=12, rows=64, slots=32):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.proj_k, self.proj_v = nn.Parameter(torch.randn(rows, slots) / 6), nn.Parameter(torch.randn(rows, slots) / 6)
        self.qkv, self.to_out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.ff = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        q, k, v = self.qkv(self.norm_1(x)).chunk(3, -1)
        time = x.shape[1]
        k, v = self.proj_k[:time].T @ k, self.proj_v[:time].T @ v
        y = F.scaled_dot_product_attention(split(q, self.heads), split(k, self.heads), split(v, self.heads))
        x = x + self.to_out(merge(y))
        return x + self.ff(self.norm_2(x))


class Linformer(Model):
    def __init__(self):
        super().__init__(768, [LinformerBlock() for _ in range(14)], nn.Identity(), nn.Linear(768, DIM))
        self.pos_emb = nn.Embedding(64, 768)

    def positioned(self, z):
        return z + self.pos_emb.weight[: z.shape[1]]


class LcmBlock(nn.Module):
    def __init__(self, width=2048, heads=16, ffn=5632):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.RMSNorm(width, 1e-5), nn.RMSNorm(width, 1e-5)
        self.qkv, self.output_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.gate_proj, self.inner_proj, self.down = nn.Linear(width, ffn), nn.Linear(width, ffn), nn.Linear(ffn, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        q, k, v = (split(t, self.heads) for t in self.qkv(self.norm_1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(rotated(q).to(v), rotated(k).to(v), v, is_causal=True)
        x = x + self.drop(self.output_proj(merge(y)))
        n = self.norm_2(x)
        return x + self.drop(self.down(self.inner_proj(n) * F.silu(self.gate_proj(n))))


class Lcm(Model):
    """lcm with two layers, because all 31 with their optimizer need more memory than common machines have."""

    def __init__(self):
        super().__init__(2048, [LcmBlock() for _ in range(2)], nn.RMSNorm(2048, 1e-5), nn.Linear(2048, DIM))


class Mlp(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(CONTEXT * DIM, 1024), nn.GELU(), nn.Linear(1024, DIM))


MODELS = {
    "distilgpt2": DistilGpt2,
    "performer": Performer,
    "performer_reference": lambda: Performer(running_sums),
    "linformer": Linformer,
    "lcm": Lcm,
    "mlp": Mlp,
}
