"""write_encoders.py FOLDER [SEED]: tiny random encoders in the layout of sentence-transformers, and their vectors by transformers.

Needs torch, transformers, tokenizers, safetensors. With SEED all sizes are random. FOLDER/NAME/expected.json has `texts`, their
`ids`, the vectors of the folder (`vectors`) and, by kind, what each pooling gives (`pools`). The texts were computed as one padded
batch. The everyday suite reads the folders that were committed: write_encoders.py test/text/encoders/fixtures
"""

import json
import pathlib
import random
import sys

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, RobertaConfig, RobertaModel, T5Config, T5EncoderModel
from transformers import T5ForConditionalGeneration

folder = pathlib.Path(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else None
dice = random.Random(seed)
torch.manual_seed(seed or 0)

WORDS = "the a cat dog sat on mat and river flows down hill query passage light sees un ##s ##ing ##ed far".split()
LETTERS = [c for letter in "abcdefghijklmnopqrstuvwxyz" for c in (letter, "##" + letter)]
MARKS = list(".,:!?'-")
TEXTS = [
    "The cat sat on the mat.",
    "a",
    "",
    "Rivers flow down the hill, and the dog sees a light far down!",
    "query: une ÉTÉ seeing \t 猫 zzz",
    "dogs " * 12,
    "the cat and the dog sat on the mat and the river flows down the hill and a light sees the cat far down the hill. " * 6,
]


def size(usual, low, high):
    return usual if seed is None else dice.randint(low, high)


def word_pieces(start, end, pad, unk):
    vocab = {word: i for i, word in enumerate(dict.fromkeys([start, pad, end, unk] + MARKS + WORDS + LETTERS))}
    made = Tokenizer(models.WordPiece(vocab, unk_token=unk))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, vocab[start]), (end, vocab[end])]
    )
    made.add_special_tokens([start, pad, end, unk])
    return made


def unigram():
    plain = dict.fromkeys(["▁" + w for w in WORDS if not w.startswith("##")] + [c for c in LETTERS if len(c) == 1] + MARKS + ["▁"])
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(piece, -1.0 - 0.1 * i) for i, piece in enumerate(plain)]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return made


def noisy(model):
    """Randomises the weights, most of which start as zeros, ones or small numbers."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


def pooled(kind, hidden, mask):
    if kind == "cls":
        return hidden[:, 0]
    m = mask.unsqueeze(-1).to(hidden.dtype)
    if kind == "max":
        return hidden.masked_fill(m == 0, float("-inf")).max(1).values
    if kind == "lasttoken":
        return hidden[torch.arange(len(hidden)), mask.sum(1) - 1]
    if kind == "weightedmean":
        m = m * torch.arange(1, hidden.shape[1] + 1).view(1, -1, 1)
    total = (hidden * m).sum(1)
    return total / (m.sum(1).sqrt() if kind == "mean_sqrt_len" else m.sum(1))


KINDS = ["mean", "mean_sqrt_len", "weightedmean", "max", "cls", "lasttoken"]
OLD = {"mean": "mean_tokens", "mean_sqrt_len": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens", "max": "max_tokens"}
OLD |= {"cls": "cls_token", "lasttoken": "lasttoken"}


def listed(tensor):
    return [[float(f"{x:.7g}") for x in row] for row in tensor.tolist()]


def write(name, model, encoder, tokenizer, longest, pools, dense=None, normalize=True, save="safetensors"):
    at = folder / name
    at.mkdir(parents=True, exist_ok=True)
    if save == "bin":
        model.config.save_pretrained(at)
        torch.save(model.state_dict(), at / "pytorch_model.bin")
    else:
        model.save_pretrained(at, max_shard_size="12KB" if save == "sharded" else "1GB")
    tokenizer.save(str(at / "tokenizer.json"), pretty=False)
    write_json(at / "tokenizer_config.json", {"model_max_length": 512, "clean_up_tokenization_spaces": False})
    write_json(at / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    dim = encoder.config.hidden_size
    write_json(at / "1_Pooling/config.json", {"word_embedding_dimension": dim} | {f"pooling_mode_{OLD[k]}": k in pools for k in KINDS})
    ids = [truncated(tokenizer, text, longest) for text in TEXTS]
    mask = torch.tensor([[1] * len(i) + [0] * (max(map(len, ids)) - len(i)) for i in ids])
    batch = torch.tensor([i + [encoder.config.pad_token_id] * (mask.shape[1] - len(i)) for i in ids])
    with torch.no_grad():
        hidden = encoder(input_ids=batch, attention_mask=mask).last_hidden_state
        vectors = torch.cat([pooled(kind, hidden, mask) for kind in ["cls", "max", *KINDS[:3], "lasttoken"] if kind in pools], -1)
        if dense is not None:
            out, bias, act = dense
            linear = torch.nn.Linear(vectors.shape[1], out, bias=bias)
            modules.append(("2_Dense", "Dense"))
            described = {"in_features": vectors.shape[1], "out_features": out, "bias": bias}
            write_json(at / "2_Dense/config.json", described | {"activation_function": f"torch.nn.modules.activation.{act}"})
            torch.save({"linear." + k: v for k, v in linear.state_dict().items()}, at / "2_Dense/pytorch_model.bin")
            vectors = getattr(torch.nn, act)()(linear(vectors))
        if normalize:
            modules.append((f"{len(modules)}_Normalize", "Normalize"))
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        every = {kind: listed(pooled(kind, hidden, mask)) for kind in KINDS}
    kinds = [{"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{t}"} for i, (p, t) in enumerate(modules)]
    write_json(at / "modules.json", kinds)
    write_json(at / "expected.json", {"texts": TEXTS, "ids": ids, "pools": every, "vectors": listed(vectors)})


def truncated(tokenizer, text, longest):
    tokenizer.enable_truncation(longest)
    ids = tokenizer.encode(text).ids
    tokenizer.no_truncation()
    return ids


def write_json(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False))


def common(heads):
    return {
        "hidden_size": heads * size(5, 2, 9),
        "num_attention_heads": heads,
        "intermediate_size": size(23, 5, 40),
        "num_hidden_layers": size(2, 1, 4),
        "initializer_range": 0.3,
    }


def main():
    bert = word_pieces("[CLS]", "[SEP]", "[PAD]", "[UNK]")
    places = bert.get_vocab_size()
    config = BertConfig(vocab_size=places, max_position_embeddings=40, pad_token_id=1, **common(size(3, 1, 4)))
    model = noisy(BertModel(config))
    write("tiny-bert", model, model, bert, 33, ["mean"])

    mpnet = word_pieces("<s>", "</s>", "<pad>", "[UNK]")
    config = MPNetConfig(vocab_size=places, max_position_embeddings=162, pad_token_id=1, **common(size(3, 1, 4)))
    model = noisy(MPNetModel(config))
    write("tiny-mpnet", model, model, mpnet, 160, ["cls", "max", "mean"], dense=(size(7, 1, 20), True, "Tanh"), save="sharded")

    config = RobertaConfig(vocab_size=places, max_position_embeddings=44, type_vocab_size=1, pad_token_id=1, **common(size(3, 1, 4)))
    model = noisy(RobertaModel(config, add_pooling_layer=False))
    write("tiny-roberta", model, model, mpnet, 40, ["weightedmean"], normalize=False, save="bin")

    pieces = unigram()
    for name, kind in [("tiny-t5", "relu"), ("tiny-t5-gated", "gated-gelu")]:
        config = T5Config(
            vocab_size=pieces.get_vocab_size(),
            d_model=size(15, 3, 24),
            num_heads=size(3, 1, 4),
            d_kv=size(4, 1, 9),
            d_ff=size(23, 5, 40),
            num_layers=size(2, 1, 4),
            relative_attention_num_buckets=size(8, 4, 16) // 4 * 4,
            relative_attention_max_distance=size(20, 17, 60),
            feed_forward_proj=kind,
        )
        whole = kind == "relu"
        model = noisy((T5ForConditionalGeneration if whole else T5EncoderModel)(config))
        dense = (size(6, 1, 20), False, "Identity")
        write(name, model, model.encoder if whole else model, pieces, 100, ["mean"], dense, save="bin" if whole else "safetensors")


main()
