"""S4 as a plain PyTorch module: once with its kernel computed step by step and a convolution by shifts, the fastest form at a
short context, and once as published, with the kernel from its generating function and a convolution by FFT.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

DIM, WIDTH, HALF, LAYERS, RATE = 768, 768, 32, 14, 0.1


def shifted(k, u):
    """Causal convolution. Shapes: k [channels, time], u [batch, time, channels]."""
    time = u.shape[1]
    age = torch.arange(time)[:, None] - torch.arange(time)
    return torch.einsum("hts,bsh->bth", torch.where(age >= 0, k[:, age.clamp(min=0)], k.new_zeros(())), u)


def by_spectra(k, u):
    n = 2 * u.shape[1]
    return torch.fft.irfft(torch.fft.rfft(u, n, 1) * torch.fft.rfft(k.T, n, 0), n, 1)[:, : u.shape[1]]


class Kernel(nn.Module):
    def __init__(self):
        super().__init__()
        draw = lambda *shape: nn.Parameter(torch.randn(*shape))
        self.inv_dt = nn.Parameter(torch.empty(WIDTH, 1).uniform_(math.log(1e-3), math.log(1e-1)))
        self.C, self.B, self.P = draw(WIDTH, HALF, 2), draw(1, HALF, 2), draw(1, HALF, 2)
        self.A_real, self.A_imag = nn.Parameter(torch.full((1, HALF), -0.7)), nn.Parameter(torch.arange(float(HALF))[None] * math.pi)

    def constants(self):
        B, P, C = (torch.view_as_complex(t) for t in (self.B, self.P, self.C))
        return torch.exp(self.inv_dt), torch.complex(-torch.exp(self.A_real), -self.A_imag), B, P, C

    def in_steps(self, time):
        dt, A, B, P, C = self.constants()
        D, E = 1 / (2 / dt - A), 2 / dt + A
        R = P.conj() * D / (1 + 2 * (P.abs() ** 2 * D).real.sum(-1, keepdim=True))
        y, taps = 2 * B, []
        for _ in range(time):
            s = D * (y - P * (2 * (R * y).real.sum(-1, keepdim=True)))
            taps.append(2 * (C * s).real.sum(-1))
            y = E * s - P * (2 * (P.conj() * s).real.sum(-1, keepdim=True))
        return torch.stack(taps, -1)

    def generated(self, time):
        dt, A, B, P, C = self.constants()
        w = torch.exp(-2j * math.pi * torch.arange(time // 2 + 1) / time)
        z = 2 * (1 - w) / (1 + w)  # for an odd length only; the context here is 5
        both = lambda v: torch.cat([v, v.conj()], -1)[..., None]
        r = lambda v: (both(v * torch.ones_like(C)) * dt[:, :, None] / (z - both(dt * A))).sum(1)
        k = r(C * B) - r(C * P) * r(P.conj() * B) / (1 + r(P.conj() * P))
        return torch.fft.irfft(k * 2 / (1 + w), time)


class Space(nn.Module):
    def __init__(self, published):
        super().__init__()
        self.norm, self.kernel, self.D = nn.LayerNorm(WIDTH), Kernel(), nn.Parameter(torch.randn(WIDTH))
        self.output_linear, self.published = nn.Linear(WIDTH, 2 * WIDTH), published

    def forward(self, x):
        u = self.norm(x).float()
        with torch.autocast("cpu", enabled=False):
            y = by_spectra(self.kernel.generated(u.shape[1]), u) if self.published else shifted(self.kernel.in_steps(u.shape[1]), u)
            y = y + self.D * u
        y = F.dropout(F.gelu(F.dropout(y, RATE, self.training)), RATE, self.training)
        return x + F.dropout(F.glu(self.output_linear(y)), RATE, self.training)


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.ff = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Dropout(RATE), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(RATE))

    def forward(self, x):
        return x + self.ff(self.norm(x))


class S4(nn.Module):
    def __init__(self, published=False):
        super().__init__()
        self.in_proj, self.norm, self.head = nn.Linear(DIM, WIDTH), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, DIM)
        layers = [layer for _ in range(LAYERS) for layer in (Space(published), Space(published), FeedForward())]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.head(self.norm(self.layers(self.in_proj(x * DIM**0.5))[:, -1]))


MODELS = {"s4": S4, "s4_reference": lambda: S4(published=True)}
