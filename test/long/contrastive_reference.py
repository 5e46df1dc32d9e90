"""contrastive_reference.py RUN DATA.npy WEIGHT SCALE: the loss of all training windows of RUN in one batch, and its gradients by autograd.

Every training row is a negative: rows of the window's own context and copies of its target (cosine of at least .99) are left out.
Weights and context are those of RUN; the temperature is .05. Everything is in float64.
"""

import json
import math
import sys

import torch
from predictors import Windows, document, read
from torch.nn.functional import mse_loss, normalize

run, data, weight, scale = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
config, split = document(run, "config.json"), document(run, "split.json")
_, model = read(f"{run}/final_model.pt")
model.double().train()
rows = split["train"]
x, y = Windows(data, config["context_length"], torch.float64)(rows)
log_temperature = torch.tensor(math.log(0.03), dtype=torch.float64, requires_grad=True)
raw = model(x)
query, target = normalize(raw, dim=-1), normalize(y, dim=-1)
cosines = target @ target.T
losses = []
for i, row in enumerate(rows):
    seen = range(row - config["context_length"], row)
    others = [j for j, other in enumerate(rows) if j != i and other not in seen and cosines[i, j] < 0.99]
    logits = torch.cat([query[i : i + 1] @ target[i], target[others] @ query[i]]) / log_temperature.exp()
    losses.append(-torch.log_softmax(logits, 0)[0])
error = mse_loss(query, target) if config["model_options"]["output"] == "unit" else mse_loss(raw, y)
loss = weight * torch.stack(losses).mean() + (1 - weight) * scale * error
loss.backward()
print(json.dumps({
    "loss": loss.item(),
    "log_temperature": log_temperature.grad.item(),
    "gradients": {name: p.grad.flatten().tolist() for name, p in model.named_parameters() if p.grad is not None},
}))
