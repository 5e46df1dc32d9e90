"""next_step.py DATA.npy BEFORE AFTER …: repeats the step from run BEFORE to run AFTER with torch.optim.AdamW. Dropout must be 0.

The optimizer gets the parameters in the order of module.parameters().
"""

import json
import sys

import torch
from predictors import Windows, document, order, read


def gradients(run, data, checkpoint, model):
    config, split = document(run, "config.json"), document(run, "split.json")
    batch = config["batch_size"]
    steps = int(next(iter(checkpoint["optimizer_state_dict"]["state"].values()))["step"])
    epoch, step = divmod(steps, -(-len(split["train"]) // batch))
    x, y = Windows(data, config["context_length"])(order(split["train"], config["seed"], 1 + epoch)[step * batch :][:batch])
    raw = model.train()(x)
    unit = config["model_options"]["output"] == "unit"
    torch.nn.functional.mse_loss(torch.nn.functional.normalize(raw, dim=-1) if unit else raw, y).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config["gradient_clip"])


def optimizer_of(state, parameters):
    for i, parameter in enumerate(parameters):
        parameter.requires_grad_(i in state["state"])  # a frozen parameter has no moments
    optimizer = torch.optim.AdamW([{"params": [parameters[i] for i in group["params"]]} for group in state["param_groups"]])
    optimizer.load_state_dict(state)
    return optimizer


def stepped(before, after, data):
    checkpoint, model = read(f"{before}/final_model.pt")
    wanted, _ = read(f"{after}/final_model.pt")
    named = dict(model.named_parameters())
    optimizer = optimizer_of(checkpoint["optimizer_state_dict"], list(model.parameters()))
    gradients(before, data, checkpoint, model)
    optimizer.step()
    weights, old = wanted["model_state_dict"], checkpoint["model_state_dict"]
    states = wanted["optimizer_state_dict"]["state"]
    apart = lambda a, b: float((a - b.detach()).abs().max())
    moments = lambda key: max(
        apart(states[i][key], optimizer.state[parameter][key]) / float(states[i][key].abs().max())
        for i, parameter in enumerate(named.values())
        if i in states
    )
    return {
        "steps": [int(state["step"]) for state in optimizer.state.values()],
        "moved": max(apart(weights[name], old[name]) for name in named),
        "weights": max(apart(weights[name], named[name]) for name in named),
        "exp_avg": moments("exp_avg"),
        "exp_avg_sq": moments("exp_avg_sq"),
    }


data, *runs = sys.argv[1:]
print(json.dumps([stepped(before, after, data) for before, after in zip(runs[::2], runs[1::2])]))
