"""write_published.py FOLDER: random weights in published formats, made by transformers, and its outputs for them.

Prints names. FOLDER/NAME has the published format; FOLDER/NAME-hidden.safetensors has `x` [batch, time, width], in place of token
embeddings, and `hidden`, the output of the library for `x`.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model, Mamba2Config, Mamba2ForCausalLM, RwkvConfig, RwkvForCausalLM

folder = pathlib.Path(sys.argv[1])
torch.manual_seed(0)
made = {}


def noisy(model):
    """Randomises the weights, most of which start as zeros or ones."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def keep(name, model, save, width, time=7):
    at = folder / name
    at.mkdir()
    save(at)  # before the first forward pass, in which RWKV changes its weights
    body = getattr(model, "transformer", None) or getattr(model, "backbone", None) or getattr(model, "rwkv", None) or model
    x = torch.randn(2, time, width)
    with torch.no_grad():
        hidden = body(inputs_embeds=x, use_cache=False).last_hidden_state
    save_file({"x": x, "hidden": hidden.contiguous()}, folder / f"{name}-hidden.safetensors")
    made[name] = width


def as_bin(model, config, rename=lambda name: name, file="pytorch_model.bin", dtype=torch.float32):
    def save(at):
        torch.save({rename(name): tensor.to(dtype) for name, tensor in model.state_dict().items()}, at / file)
        if config is not None:
            (at / "config.json").write_text(json.dumps(config))

    return save


tokens = dict(vocab_size=101, bos_token_id=0, eos_token_id=0)
small = GPT2Config(n_embd=24, n_layer=3, n_head=4, n_positions=20, n_inner=40, **tokens)
model = noisy(GPT2LMHeadModel(small))
keep("gpt2", model, lambda at: model.save_pretrained(at), 24)
keep("gpt2-shards", model, lambda at: model.save_pretrained(at, max_shard_size="20KB"), 24)
keep("gpt2-bin", model, as_bin(model, small.to_dict()), 24)
body = noisy(GPT2Model(small))
keep("gpt2-body", body, lambda at: body.save_pretrained(at), 24)
distil = noisy(GPT2LMHeadModel(GPT2Config(n_layer=6, **tokens)))
keep("distilgpt2", distil, lambda at: distil.save_pretrained(at), 768)

sizes = dict(hidden_size=24, num_hidden_layers=3, state_size=6, head_dim=8, num_heads=6, conv_kernel=4, n_groups=1)
ssd = noisy(Mamba2ForCausalLM(Mamba2Config(**sizes, vocab_size=101, chunk_size=8)))
keep("mamba2", ssd, lambda at: ssd.save_pretrained(at), 24, time=19)
spaces = dict(d_intermediate=0, vocab_size=101, ssm_cfg={"layer": "Mamba2"}, attn_layer_idx=[], attn_cfg={}, rms_norm=True, residual_in_fp32=True)
theirs = lambda name: name.replace("embeddings", "embedding")
keep("mamba2-spaces", ssd, as_bin(ssd, {"d_model": 24, "n_layer": 3, **spaces}, theirs), 24)
config = Mamba2Config(hidden_size=768, num_hidden_layers=24, state_size=128, head_dim=64, num_heads=24, n_groups=1, vocab_size=101)
ssd130 = noisy(Mamba2ForCausalLM(config))
keep("mamba2-130m", ssd130, as_bin(ssd130, {"d_model": 768, "n_layer": 24, **spaces}, theirs), 768)


def blink(name):
    name = name.replace("rwkv.embeddings", "emb").replace("rwkv.", "").replace("pre_ln", "ln0")
    name = name.replace("attention", "att").replace("feed_forward", "ffn")
    return name.replace("time_mix_key", "time_mix_k").replace("time_mix_value", "time_mix_v").replace("time_mix_receptance", "time_mix_r")


rnn = noisy(RwkvForCausalLM(RwkvConfig(hidden_size=24, num_hidden_layers=3, vocab_size=101)))
keep("rwkv", rnn, lambda at: rnn.save_pretrained(at), 24)
big = noisy(RwkvForCausalLM(RwkvConfig(hidden_size=768, num_hidden_layers=12, vocab_size=101))).bfloat16().float()
keep("rwkv-4-169m", big, as_bin(big, None, blink, "RWKV-4-Pile-169M.pth", torch.bfloat16), 768)
print(json.dumps(made))
