"""Writes tiny random T5s, and a hypothesizer, a corrector and an embedder in vec2text's layout, with what transformers computes.

python write_inverter.py OUT [SEED]
"""
import copy
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from torch import nn
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration
from transformers.utils import logging

logging.set_verbosity_error()
OUT = Path(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 6
ROWS, LONGEST, REPEAT, NARROW = 101, 12, 3, 13
WORDS = 'the a of in and to was is on city river old new king war music green tall house born first year part team game film'.split()
PIECES = [f'▁{word}' for word in WORDS] + list('abcdefghijklmnopqrstuvwxyz') + ['▁'] + list(',.-') + ['s', 'ed', 'ing', 'er', 'ly']


def tokenizer():
    known = list(dict.fromkeys(PIECES))
    vocab = [('<pad>', 0.0), ('</s>', 0.0), ('<unk>', 0.0)] + [(piece, -1.0 - 0.07 * i) for i, piece in enumerate(known)]
    assert len(vocab) < ROWS
    model = Tokenizer(Unigram(vocab, unk_id=2))
    model.normalizer = normalizers.Replace(Regex(' {2,}'), ' ')
    model.pre_tokenizer = pre_tokenizers.Metaspace(replacement='▁', prepend_scheme='always')
    model.decoder = decoders.Metaspace(replacement='▁', prepend_scheme='always')
    model.post_processor = processors.TemplateProcessing(single='$A </s>', special_tokens=[('</s>', 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token='<pad>', eos_token='</s>', unk_token='<unk>', clean_up_tokenization_spaces=True, model_max_length=LONGEST
    )


def half(module):
    """Rounds weights to float16, in which they are stored."""
    for value in module.parameters():
        value.data = value.data.half().float()
    return module.eval()


def t5(gated, tied, seed, d=16):
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=ROWS, d_model=d, d_kv=5, num_heads=3, d_ff=22, num_layers=2, num_decoder_layers=2, dropout_rate=0.0,
        feed_forward_proj='gated-gelu' if gated else 'relu', pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    for name, value in model.named_parameters():
        if 'layer_norm' in name:
            value.data = 1 + 0.2 * torch.randn_like(value)
        elif 'shared' in name:
            value.data = 0.3 * torch.randn_like(value)
        elif 'relative' in name:
            value.data = torch.randn_like(value)
        else:
            value.data = 0.3 * torch.randn_like(value)
    model.shared.weight.data[1] *= 2
    if not tied:
        model.lm_head.weight = nn.Parameter(0.3 * torch.randn(ROWS, d))
        model.config.scale_decoder_outputs = False
    return half(model)


def trimmed(ids):
    """Ids up to the end of the text: transformers fills the rest with another id in beam search than in greedy search."""
    rows = []
    for row in ids.tolist():
        end = next((i for i, token in enumerate(row) if token == 1), len(row) - 1)
        rows.append(row[: end + 1])
    return rows


def padded(rows):
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def generated(model, embeds, mask, beams=1, returned=1, **more):
    fixed = dict(do_sample=False, early_stopping=False, no_repeat_ngram_size=0, num_beams=beams, num_return_sequences=returned)
    return trimmed(model.generate(inputs_embeds=embeds, attention_mask=mask, **{**fixed, 'min_length': 1, 'max_length': LONGEST, **more}))


def plain(folder, state, config):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in state.items()}, folder / 'model.safetensors', metadata={'format': 'pt'})
    (folder / 'config.json').write_text(json.dumps(config, indent=1))


def state_of(model, tied):
    left = ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight'] + (['lm_head.weight'] if tied else [])
    return {name: value for name, value in model.state_dict().items() if name not in left}


def case(name, gated, tied):
    """A T5 with the outputs of its encoder and decoder, and the ids that it generates."""
    model = t5(gated, tied, SEED * 10 + 2 * gated + tied)
    torch.manual_seed(SEED)
    embeds = torch.randn(4, 9, 16).half().float()
    mask = torch.ones(4, 9, dtype=torch.long)
    mask[1, 6:] = 0
    mask[2, 4] = 0
    ids = torch.randint(2, ROWS, (4, 7))
    ids[:, 0] = 0
    with torch.no_grad():
        exact = copy.deepcopy(model).double()
        hidden = exact.encoder(inputs_embeds=embeds.double(), attention_mask=mask).last_hidden_state
        logits = exact(inputs_embeds=embeds.double(), attention_mask=mask, decoder_input_ids=ids).logits
        generation = [
            {'options': options, 'ids': generated(model, embeds, mask, **options)}
            for options in [{}, {'max_length': 30}, {'max_length': 9, 'min_length': 8}]
            + [{'beams': k, 'returned': r, 'max_length': m, 'length_penalty': p} for k, r, m, p in [(2, 1, 20, 1.0), (4, 4, 12, 1.0), (3, 2, 20, 0.0), (3, 3, 15, 2.5), (5, 5, 9, -1.0)]]
        ]
    config = model.config.to_dict() | {'tie_word_embeddings': tied}
    plain(OUT / name, state_of(model, tied), config)
    numbers = lambda tensor: np.round(tensor.double().numpy().ravel(), 7).tolist()
    return {'embeds': numbers(embeds), 'mask': mask.tolist(), 'ids': ids.tolist(), 'hidden': numbers(hidden), 'logits': numbers(logits[:, -2:]), 'generation': generation}


class Inverter:
    """The loop of vec2text, from the description of its models."""

    def __init__(self, normalized):
        torch.manual_seed(SEED)
        d, self.tok = 16, tokenizer()
        self.embedder = t5(False, True, SEED + 7).encoder
        dense = half(nn.Linear(d, d, bias=False))
        self.dense = dense if normalized else None
        mlp = lambda: nn.Sequential(nn.Linear(d, NARROW), nn.Dropout(0.0), nn.GELU(), nn.Linear(NARROW, d * REPEAT))
        self.hypothesizer, self.transform = t5(False, True, SEED + 8), half(mlp())
        self.corrector, self.transforms = t5(False, True, SEED + 9), [half(mlp()) for _ in range(3)]
        self.norm = nn.LayerNorm(d)
        nn.init.normal_(self.norm.weight, 1, 0.2)
        nn.init.normal_(self.norm.bias, 0, 0.2)
        half(self.norm)

    def embed(self, texts):
        batch = self.tok(texts, truncation=True, padding='max_length', max_length=LONGEST, return_tensors='pt')
        hidden = self.embedder(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        mask = batch.attention_mask.unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return mean if self.dense is None else nn.functional.normalize(self.dense(mean), dim=-1)

    def texts(self, ids):
        return self.tok.batch_decode(ids, skip_special_tokens=True)

    def first(self, e):
        embeds = self.transform(e).reshape(len(e), REPEAT, -1)
        return generated(self.hypothesizer, embeds, torch.ones(embeds.shape[:2], dtype=torch.long))

    def corrected(self, e, h, ids, beams):
        n, ids = len(e), padded(ids)
        parts = [self.transforms[which](x).reshape(n, REPEAT, -1) for which, x in ((0, e), (2, h), (1, e - h))]
        eos = self.corrector.shared.weight[1].expand(n, 1, -1)
        whole = torch.cat([eos, parts[0], eos, parts[1], eos, parts[2], eos, self.corrector.shared(ids)], 1)
        mask = torch.cat([torch.ones(n, 4 + 3 * REPEAT, dtype=torch.long), (ids != 0).long()], 1)
        return generated(self.corrector, self.norm(whole), mask, beams=beams, returned=beams)

    def greedy(self, e, steps):
        ids, rows = self.first(e), []
        for step in range(steps + 1):
            if step > 0:
                ids = self.corrected(e, h, ids, 1)
            h = self.embed(self.texts(ids))
            rows.append({'ids': ids, 'texts': self.texts(ids), 'cosines': nn.functional.cosine_similarity(e, h).tolist()})
        return rows

    def beam(self, e, steps, width):
        """Ids of the last step, the best by cosine."""
        ids = self.first(e)
        h, n, held = self.embed(self.texts(ids)), len(e), 1
        for step in range(steps):
            wide = e.repeat_interleave(held, 0)
            ids = self.corrected(wide, h, ids, width)
            h = self.embed(self.texts(ids))
            each = held * width
            scores = nn.functional.cosine_similarity(e.repeat_interleave(each, 0), h).reshape(n, each)
            kept = []
            for row in range(n):
                order, unique = sorted(range(each), key=lambda i: -scores[row, i].item()), []
                for i in order:
                    if all(ids[row * each + i] != ids[j] for j in unique):
                        unique.append(row * each + i)
                want = 1 if step == steps - 1 else width
                kept += [unique[i % len(unique)] for i in range(want)]
            ids, h, held = [ids[i] for i in kept], h[kept], len(kept) // n
        return {'ids': ids, 'texts': self.texts(ids), 'cosines': nn.functional.cosine_similarity(e, h).tolist()}

    def save(self, folder):
        tokens = folder / 'embedder'
        self.tok.save_pretrained(tokens)
        inner = {f'encoder.{name}': value for name, value in self.embedder.state_dict().items() if name != 'embed_tokens.weight'}
        shared = self.embedder.embed_tokens.weight
        plain(tokens, {'shared.weight': shared, **inner}, self.hypothesizer.config.to_dict() | {'architectures': ['T5EncoderModel']})
        modules = ['Transformer', 'Pooling', 'Dense', 'Normalize']
        paths = ['', '1_Pooling', '2_Dense', '3_Normalize']
        listed = [{'idx': i, 'name': str(i), 'path': path, 'type': f'sentence_transformers.models.{kind}'} for i, (kind, path) in enumerate(zip(modules, paths))]
        (tokens / '1_Pooling').mkdir(exist_ok=True)
        (tokens / '1_Pooling/config.json').write_text(json.dumps({'word_embedding_dimension': 16, 'pooling_mode_mean_tokens': True}))
        (tokens / 'sentence_bert_config.json').write_text(json.dumps({'max_seq_length': LONGEST, 'do_lower_case': False}))
        dense = self.dense or half(nn.Linear(16, 16, bias=False))
        plain(tokens / '2_Dense', {'linear.weight': dense.weight}, {'in_features': 16, 'out_features': 16, 'bias': False, 'activation_function': 'torch.nn.modules.linear.Identity'})
        (tokens / 'modules.json').write_text(json.dumps(listed))
        name = 'gtr_base' if self.dense is None else 'gtr_base_st'
        args = {'model_name_or_path': 't5-base', 'embedder_model_name': name, 'embedder_model_api': None, 'num_repeat_tokens': REPEAT, 'max_seq_length': LONGEST, 'embeddings_from_layer_n': None}
        whole = {f'encoder_decoder.{key}': value for key, value in state_of(self.hypothesizer, True).items()}
        whole |= {f'embedding_transform.{key}': value for key, value in self.transform.state_dict().items()}
        if self.dense is None:
            whole |= {f'embedder.{key}': value for key, value in self.embedder.state_dict().items()}
        else:
            whole |= {'embedder.0.auto_model.shared.weight': shared, 'embedder.2.linear.weight': self.dense.weight}
            whole |= {f'embedder.0.auto_model.{key}': value for key, value in inner.items()}
        plain(folder / 'hypothesizer', whole, args | {'architectures': ['InversionModel']})
        whole = {f'encoder_decoder.{key}': value for key, value in state_of(self.corrector, True).items()}
        for i, mlp in enumerate(self.transforms):
            whole |= {f'embedding_transform_{i + 1}.{key}': value for key, value in mlp.state_dict().items()}
        whole |= {f'layernorm.{key}': value for key, value in self.norm.state_dict().items()}
        plain(folder / 'corrector', whole, args | {'architectures': ['CorrectorEncoderModel'], 'corrector_ignore_hypothesis_embedding': False})


@torch.no_grad()
def inversion(name, normalized):
    inverter = Inverter(normalized)
    inverter.save(OUT / name)
    texts = ['the old king of the river', 'music in a tall green house', 'a war, and a new city', 'born to film']
    e = inverter.embed(texts)
    loop = {'greedy': inverter.greedy(e, 3), 'beam': inverter.beam(e, 3, 3), 'one': inverter.beam(e, 1, 3)}
    tokens = inverter.tok(texts, truncation=True, max_length=LONGEST).input_ids
    return {'texts': texts, 'tokens': tokens, 'vectors': [[float(x) for x in row] for row in e.tolist()], **loop}


golden = {'relu-tied': case('relu-tied', False, True), 'gated-untied': case('gated-untied', True, False)}
golden |= {'mean': inversion('mean', False), 'st': inversion('st', True)}
(OUT / 'golden.json').write_text(json.dumps(golden))
print('{}')
