"""train_reference.py RUN DATA.npy --steps N | --epochs N [--patience N]: the specification's recipe as a plain PyTorch loop.

Model, settings, split and initial weights are those of RUN, made by `lvm-torch train MODEL --epochs 0`; batches have our order.
--steps prints the loss of the first N steps in float64, since PyTorch's float32 differs from it by up to 3e-4 (transformer);
--epochs prints a row like those of training_history.json per epoch in float32, until --patience epochs in a row bring no lower loss.
"""

import argparse
import itertools
import json
import sys

import numpy as np
import torch
from predictors import Windows, document, order, outputs, read
from torch.nn.functional import cosine_similarity, mse_loss, normalize

parser = argparse.ArgumentParser()
parser.add_argument("run")
parser.add_argument("data")
parser.add_argument("--steps", type=int)
parser.add_argument("--epochs", type=int)
parser.add_argument("--patience", type=int, default=1000)
args = parser.parse_args()

config, split = document(args.run, "config.json"), document(args.run, "split.json")
_, model = read(f"{args.run}/final_model.pt")
dtype = torch.float64 if args.steps else torch.float32
model.to(dtype)
windows = Windows(args.data, config["context_length"], dtype)
unit = config["model_options"]["output"] == "unit"
torch.manual_seed(config["seed"])
torch.set_num_threads(config["threads"])

optimizer = torch.optim.AdamW(
    model.parameters(),
    lr=config["learning_rate"],
    betas=(config["beta1"], config["beta2"]),
    eps=config["eps"],
    weight_decay=config["weight_decay"],
    fused=True,
)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=config["plateau_factor"], patience=config["plateau_patience"])


def batches(epoch):
    rows, size = order(split["train"], config["seed"], epoch), config["batch_size"]
    return (rows[i : i + size] for i in range(0, len(rows), size))


def step(rows):
    """Loss and gradient norm, as numbers."""
    x, y = windows(rows)
    optimizer.zero_grad()
    raw = model(x)
    loss = mse_loss(normalize(raw, dim=-1) if unit else raw, y)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config["gradient_clip"])
    optimizer.step()
    return loss.item(), norm.item()


def validate():
    rows = np.array(split["val"])
    raw = outputs(model, windows, rows).double()
    target = windows(rows)[1].double()
    return mse_loss(normalize(raw, dim=-1) if unit else raw, target).item(), cosine_similarity(raw, target, dim=-1).mean().item()


if args.steps:
    model.train()
    endless = itertools.chain.from_iterable(batches(epoch) for epoch in itertools.count(1))
    print(json.dumps([step(rows)[0] for rows in itertools.islice(endless, args.steps)]))
else:
    history = []
    for epoch in range(1, args.epochs + 1):
        lr = optimizer.param_groups[0]["lr"]
        model.train()
        steps = [(*step(rows), len(rows)) for rows in batches(epoch)]
        losses, norms, sizes = map(np.array, zip(*steps))
        val_loss, val_cosine = validate()
        scheduler.step(val_loss)
        history.append({
            "epoch": epoch,
            "train_loss_running": (losses * sizes).sum() / sizes.sum(),
            "val_loss": val_loss,
            "val_cosine": val_cosine,
            "lr": lr,
            "grad_norm": norms.mean(),
        })
        print(history[-1], file=sys.stderr, flush=True)
        if epoch - 1 - int(np.argmin([row["val_loss"] for row in history])) >= args.patience:
            break
    print(json.dumps(history))
