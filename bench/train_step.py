"""Times PyTorch's training step of each model: a worker that answers one JSON line per question.

{"model": "lstm|gru|transformer|…", "precision": "fp32|bf16", "steps": 50, "threads": 2, "compile": false} → {"ms_per_step": …, "loss": …}
The model, its optimizer and its position in the data are kept between questions, so that rounds can alternate with another trainer.
Written for speed: the modules of torch.nn, fused AdamW, one gather per step, no synchronisation inside the loop.
"""

import json
import math
import sys
import time

import attention_models
import hyena
import mamba
import retnet
import rwkv
import s4
import torch
from torch import nn


ROWS, DIM, CONTEXT, BATCH, WIDTH, WARM_UP = 42113, 768, 5, 32, 512, 8


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(DIM, WIDTH, 2, batch_first=True, dropout=0.2)
        self.head = nn.Linear(WIDTH, DIM)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class GruBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return x + self.gru(self.norm(x))[0]


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj = nn.Linear(DIM, WIDTH)
        self.blocks = nn.Sequential(*(GruBlock() for _ in range(4)))
        self.head = nn.Linear(WIDTH, DIM)

    def forward(self, x):
        return self.head(self.blocks(self.in_proj(x))[:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj = nn.Linear(DIM, WIDTH)
        layer = nn.TransformerDecoderLayer(WIDTH, 8, 2048, dropout=0.1, activation="relu", batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 4)
        self.head = nn.Linear(WIDTH, DIM)
        angle = torch.arange(CONTEXT)[:, None] * torch.exp(torch.arange(0, WIDTH, 2) * (-math.log(10000.0) / WIDTH))
        self.register_buffer("position", torch.stack([angle.sin(), angle.cos()], -1).flatten(1))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, x):
        x = self.in_proj(x) + self.position
        x = self.decoder(x, x, tgt_mask=self.mask, memory_mask=self.mask, tgt_is_causal=True, memory_is_causal=True)
        return self.head(x[:, -1])


MODELS = {
    "lstm": Lstm,
    "gru": Gru,
    "transformer": Transformer,
    **attention_models.MODELS,
    **retnet.MODELS,
    **s4.MODELS,
    **hyena.MODELS,
    **mamba.MODELS,
    **rwkv.MODELS,
}


class Trainer:
    """A model with its optimizer and its position in the shuffled windows of the base."""

    def __init__(self, base, name, precision, compiled, warm_up=WARM_UP):
        torch.manual_seed(0)
        self.base, self.bf16 = base, precision == "bf16"
        model = MODELS[name]().train()
        self.parameters = list(model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=5e-4, weight_decay=0.01, fused=True)
        self.model = torch.compile(model) if compiled else model
        self.order, self.at = torch.randperm(ROWS - CONTEXT), 0
        self.offsets = torch.arange(CONTEXT + 1)
        if warm_up:
            self.run(warm_up)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)

    def step(self):
        if self.at + BATCH > len(self.order):
            self.order, self.at = torch.randperm(ROWS - CONTEXT), 0
        rows = self.order[self.at : self.at + BATCH, None] + self.offsets
        self.at += BATCH
        windows = self.base.index_select(0, rows.flatten()).view(BATCH, CONTEXT + 1, DIM)
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            output = self.model(windows[:, :CONTEXT])
        loss = nn.functional.mse_loss(output.float(), windows[:, CONTEXT])
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return loss

    def run(self, steps):
        began = time.perf_counter()
        for _ in range(steps):
            loss = self.step()
        return (time.perf_counter() - began) * 1e3 / steps, loss.item()


def main():
    torch.manual_seed(0)
    base = nn.functional.normalize(torch.randn(ROWS, DIM), dim=-1)
    trainers = {}
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask.get("command") == "versions":
                capability = torch.backends.cpu.get_cpu_capability()
                answer = {"torch": torch.__version__, "python": sys.version.split()[0], "capability": capability, "models": list(MODELS)}
            else:
                torch.set_num_threads(ask["threads"])
                key = ask["model"], ask["precision"], ask.get("compile", False)
                about = lambda key: (key[0].split("_")[0], key[1])
                if trainers and about(next(iter(trainers))) != about(key):
                    trainers.clear()  # only one model and precision in memory
                if key not in trainers:
                    trainers[key] = Trainer(base, *key)
                trainer = trainers[key]
                ms, loss = trainer.run(ask["steps"])
                answer = {"ms_per_step": ms, "loss": loss, "parameters": sum(p.numel() for p in trainer.parameters)}
        except Exception as error:  # report the error and keep the worker, so that a long comparison continues
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
