"""RetNet as a plain PyTorch module, in the parallel form of torchscale's training."""

import torch
import torch.nn.functional as F
from torch import nn

DIM, WIDTH, VALUE, FFN, HEADS, LAYERS, EPS = 768, 768, 1296, 1296, 3, 17, 1e-6


def turned(x, sin, cos):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)


class Retention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.v_proj, self.g_proj = (nn.Linear(WIDTH, VALUE, bias=False) for _ in range(2))
        self.out_proj = nn.Linear(VALUE, WIDTH, bias=False)

    def forward(self, x, sin, cos, mask):
        q, k, v = (p(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        k = k * k.shape[-1] ** -0.5
        a = turned(q, sin, cos) @ turned(k, sin, cos).transpose(-1, -2) * mask
        o = (a / a.detach().abs().sum(-1, keepdim=True).clamp(1, 5e4)).to(v.dtype) @ v
        o = F.rms_norm(o.float(), o.shape[-1:], eps=EPS).transpose(1, 2).flatten(2)
        return self.out_proj(F.silu(self.g_proj(x)) * o)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.ffn_norm = (nn.RMSNorm(WIDTH, EPS) for _ in range(2))
        self.retention = Retention()
        self.fc1, self.gate = (nn.Linear(WIDTH, FFN, bias=False) for _ in range(2))
        self.fc2 = nn.Linear(FFN, WIDTH, bias=False)

    def forward(self, x, *position):
        x = x + self.retention(self.norm(x), *position)
        n = self.ffn_norm(x)
        return x + self.fc2(F.silu(self.fc1(n)) * self.gate(n))


class RetNet(nn.Module):
    def __init__(self, context=5):
        super().__init__()
        self.in_proj, self.head = nn.Linear(DIM, WIDTH), nn.Linear(WIDTH, DIM)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(LAYERS)), nn.RMSNorm(WIDTH, EPS)
        time = torch.arange(context)
        angle = time[:, None] / 10000 ** torch.linspace(0, 1, WIDTH // HEADS // 2)
        age = (time[:, None] - time).float()
        mask = torch.exp(age.clamp(min=0) * torch.log(1 - 2.0 ** (-5 - torch.arange(HEADS)))[:, None, None]).tril()
        for name, value in (("sin", angle.sin()), ("cos", angle.cos()), ("mask", mask / mask.sum(-1, keepdim=True).sqrt())):
            self.register_buffer(name, value)

    def forward(self, x):
        x = self.in_proj(x * DIM**0.5)
        for block in self.blocks:
            x = block(x, self.sin, self.cos, self.mask)
        return self.head(self.norm(x[:, -1]))


MODELS = {"retnet": RetNet}
