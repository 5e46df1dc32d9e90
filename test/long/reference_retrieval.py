"""The expected results of retrieve, in numpy and float64: reference_retrieval.py RUN PREDICTIONS.npy DATA.npy > one JSON document."""

import gzip
import json
import pathlib
import sys

import numpy

run, predictions, data = sys.argv[1:]
TIE = 1e-14


def unit(vectors):
    wide = vectors.astype(numpy.float64)
    return wide / numpy.linalg.norm(wide, axis=1, keepdims=True)


def ranks(queries, bank, target, first, block=512):
    """Ranks of each target in the whole bank and without the rows of its context, which begins at `first`; tied rows rank before it."""
    both = []
    for at in range(0, len(target), block):
        own = target[at : at + block]
        cosines = queries[at : at + block] @ bank.T
        rows = numpy.arange(len(own))
        bar = (queries[at : at + block] * bank[own]).sum(1)[:, None]
        before = cosines >= bar - TIE
        before[rows, own] = False
        whole = before.sum(1) + 1
        for row, (begin, end) in enumerate(zip(first[at : at + block], own)):
            before[row, begin:end] = False
        both.append(numpy.stack([whole, before.sum(1) + 1]))
    return numpy.concatenate(both, 1)


def scores(rank):
    return {
        **{f"top{k}": float((rank <= k).mean()) for k in (1, 5, 10, 20)},
        "mrr": float((1 / rank).mean()),
        "ndcg10": float(numpy.where(rank <= 10, 1 / numpy.log2(1 + rank), 0).mean()),
        "median_rank": float(numpy.median(rank)),
    }


def sign_flip_p(difference, article, flips=20000):
    sums = numpy.bincount(numpy.unique(article, return_inverse=True)[1], difference)
    signs = numpy.random.default_rng(1).choice([-1.0, 1.0], (flips, len(sums)))
    return float((1 + (abs(signs @ sums) >= abs(sums.sum()) - 1e-12).sum()) / (1 + flips))


manifest = json.load(open(f"{run}/manifest.json"))
split = json.load(open(f"{run}/split.json"))
table = numpy.load(data)
bank = unit(table)
target = numpy.array(split["val"])
index = json.load(open(predictions.replace(".npy", ".json")))
assert index["rows"] == split["val"]
if manifest["options"]["train"].get("history") == "article":
    side = gzip.open(pathlib.Path(data).with_suffix(".jsonl.gz"), "rt")
    articles = numpy.array([json.loads(line)["article_id"] for line in side])
    starts = numpy.flatnonzero(numpy.append(True, articles[1:] != articles[:-1]))
    first = starts[numpy.searchsorted(starts, target, "right") - 1]
else:
    first = target - manifest["context"]
queries = {
    "model": unit(numpy.load(predictions)),
    "oracle": bank[target],
    "copy_last": bank[target - 1],
    "context_mean": unit(numpy.stack([table[begin:end].astype(numpy.float64).mean(0) for begin, end in zip(first, target)])),
}
found = {name: ranks(q, bank, target, first) for name, q in queries.items()}
hits = {name: (r[1] <= 10).astype(float) for name, r in found.items()}
difference = hits["model"] - hits["copy_last"]
print(
    json.dumps(
        {
            "scores": {
                name: {"with_context": scores(r[0]), "without_context": scores(r[1])} for name, r in found.items()
            },
            "failed": int((found["model"][0] > 20).sum()),
            "difference": float(difference.mean()),
            "p": sign_flip_p(difference, numpy.array(index["articles"])),
        }
    )
)
