"""Prints the token ids of a list of texts by the Rust library.

python tokenize_texts.py TOKENIZER.json TEXTS.json
"""
import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
with open(sys.argv[2], encoding='utf-8') as file:
    print(json.dumps([encoding.ids for encoding in tokenizer.encode_batch(json.load(file))]))
