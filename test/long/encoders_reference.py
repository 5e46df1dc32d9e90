"""encoders_reference.py FOLDER TEXTS OUT: ids of the Rust tokenizer and vectors of sentence-transformers for a JSON list of texts."""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import numpy
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

folder, texts, out = sys.argv[1:4]
lines = json.load(open(texts, encoding="utf8"))
rust = Tokenizer.from_file(f"{folder}/tokenizer.json")
rust.no_padding()
model = SentenceTransformer(folder, device="cpu")
rust.enable_truncation(model.max_seq_length)
json.dump([encoded.ids for encoded in rust.encode_batch(lines)], open(f"{out}.json", "w"))
count = int(sys.argv[4])
model.encode(lines[:count], show_progress_bar=False).astype(numpy.float32).tofile(f"{out}.bin")
