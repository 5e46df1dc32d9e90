"""sentence-transformers as a worker: answers one JSON question per line. `open` loads a folder, `encode` encodes the lines of a file."""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy
import sentence_transformers
import torch

models = {}


def start(folder, threads):
    torch.set_num_threads(threads)
    models["open"] = sentence_transformers.SentenceTransformer(folder, device="cpu")
    return {"versions": {"torch": torch.__version__, "sentence_transformers": sentence_transformers.__version__}}


def encode(texts, out, batch):
    """Sorted by length and padded in batches, as sentence-transformers does."""
    lines = json.load(open(texts, encoding="utf8"))
    start = time.perf_counter()
    vectors = models["open"].encode(lines, batch_size=batch, show_progress_bar=False)
    seconds = time.perf_counter() - start
    vectors.astype(numpy.float32).tofile(out)
    return {"seconds": seconds}


for line in sys.stdin:
    question = json.loads(line)
    command = question.pop("command")
    try:
        answer = {"open": start, "encode": encode}[command](**question)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
