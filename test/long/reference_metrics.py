"""reference_metrics.py RUN PREDICTIONS.npy DATA.npy RESULTS.json: the expected results of evaluate, in numpy and float64.

The model's figures come from the predictions and, for the raw output, from plain torch.nn modules in float64; the baselines from the
vectors, fitted on the training rows of split.json with the decay and the λ that RESULTS.json reports.
"""

import gzip
import json
import pathlib
import sys

import numpy as np
import torch
from predictors import Windows, document, outputs, read

run, predictions, data, results = sys.argv[1:]
entry, index = document(results)["runs"][0], document(predictions.replace(".npy", ".json"))
context, rows = index["context"], np.array(index["rows"])
vectors = np.load(data, mmap_mode="r")
side = pathlib.Path(data).with_suffix(".jsonl")
lines = side.read_text() if side.exists() else gzip.open(f"{side}.gz", "rt").read()
articles = [json.loads(line)["article_id"] for line in lines.splitlines()]
assert [str(articles[row]) for row in rows] == [str(article) for article in index["articles"]]


def targets(rows):
    return vectors[rows].astype("f8")


def contexts(rows, positions=context):
    return vectors[rows[:, None] + np.arange(-positions, 0)].astype("f8")


def blocks(rows, size=2048):
    return (rows[i : i + size] for i in range(0, len(rows), size))


fitted = entry["cosine_centred"] is not None
train = np.array(document(run, "split.json")["train"]) if fitted else None
centre = np.mean(targets(train), 0) if fitted else 0


def cosine(a, b):
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def scores(predict):
    """Per row: cosine, centred cosine, MSE of raw and unit outputs, length."""
    parts = []
    for some in blocks(rows):
        raw, target = predict(some), targets(some)
        length = np.linalg.norm(raw, axis=1)
        unit = raw / length[:, None]
        mse = [((x - target) ** 2).mean(1) for x in (raw, unit)]
        parts.append(np.stack([cosine(raw, target), cosine(unit - centre, target - centre), *mse, length]))
    return np.concatenate(parts, 1)


def ridge(lam, positions):
    """Ridge regression with an intercept; subtracting the centre only keeps the numbers small."""
    wide = positions * vectors.shape[1]
    n, sx, sy, xx, xy = 0, np.zeros(wide), np.zeros(vectors.shape[1]), np.zeros((wide, wide)), np.zeros((wide, vectors.shape[1]))
    for some in blocks(train):
        x, y = (contexts(some, positions) - centre).reshape(len(some), wide), targets(some) - centre
        n, sx, sy, xx, xy = n + len(some), sx + x.sum(0), sy + y.sum(0), xx + x.T @ x, xy + x.T @ y
    mx, my = sx / n, sy / n
    weight = np.linalg.solve(xx - n * np.outer(mx, mx) + lam * np.eye(wide), xy - n * np.outer(mx, my))
    return lambda some: ((contexts(some, positions) - centre).reshape(len(some), wide) - mx) @ weight + my + centre


def decayed(decay):
    weights = decay ** np.arange(context - 1, -1, -1.0)
    return lambda some: np.einsum("j,njd->nd", weights / weights.sum(), contexts(some))


def mixture(params):
    count = len(params) // 2
    parts = [(decayed(params[f"decay_{i}"]), params[f"weight_{i}"]) for i in range(1, count + 1)]
    return lambda some: sum(weight * mean(some) for mean, weight in parts)


params = {name: figures["params"] for name, figures in entry["baselines"].items()}
baselines = {"copy_last": lambda some: contexts(some)[:, -1], "context_mean": lambda some: contexts(some).mean(1)}
if fitted:
    baselines["mean_vector"] = lambda some: np.tile(centre, (len(some), 1))
    baselines["exponential_mean"] = decayed(params["exponential_mean"]["decay"])
    baselines["exponential_mixture"] = mixture(params["exponential_mixture"])
    baselines["ridge"] = ridge(params["ridge"]["lambda"], int(params["ridge"]["positions"]))
judged = {name: scores(predict) for name, predict in baselines.items()}

_, model = read(f"{run}/best_model.pt")
windows = Windows(data, context, torch.float64)
raw = dict(zip(rows.tolist(), outputs(model, windows, rows).numpy()))
of_raw = scores(lambda some: np.stack([raw[row] for row in some.tolist()]))
given = dict(zip(rows.tolist(), np.load(predictions).astype("f8")))
own = scores(lambda some: np.stack([given[row] for row in some.tolist()]))
best = max(judged, key=lambda name: judged[name][0].mean())

print(json.dumps({
    "n": len(rows),
    "articles": len(set(index["articles"])),
    "mse_raw": of_raw[2].mean(),
    "mse_unit": own[3].mean(),
    "cosine": {"mean": own[0].mean(), "sd": own[0].std(), "median": np.median(own[0]), "p10": np.percentile(own[0], 10)},
    "cosine_centred": own[1].mean() if fitted else None,
    "output_norm": {"mean": of_raw[4].mean(), "sd": of_raw[4].std()},
    "baselines": {
        name: {"cosine": s[0].mean(), "cosine_centred": s[1].mean() if fitted else None, "mse_raw": s[2].mean(), "mse_unit": s[3].mean()}
        for name, s in judged.items()
    },
    "skill": {"value": own[0].mean() - judged[best][0].mean(), "against": best},
}))
