"""encoders_reference.py FOLDER TEXTS OUT COUNT: ids of the Rust tokenizer for a JSON list of texts, and vectors of sentence-transformers, in float32 and bf16."""

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
for end in ("bin", "bf16.bin"):
    vectors = model.encode(lines[:count], show_progress_bar=False, convert_to_tensor=True)
    vectors.float().numpy().astype(numpy.float32).tofile(f"{out}.{end}")
    model.bfloat16()
