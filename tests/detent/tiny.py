"""Random tiny models over bytes and a few longer tokens: nothing is trained, everything is exact."""

from __future__ import annotations

from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

TOKENS: list[bytes | None] = [
    *(bytes([value]) for value in range(256)),
    b'{"',
    b'"}',
    b'": ',
    b"name",
    b"age",
    b"true",
    None,
]
EOS = len(TOKENS) - 1
WIDTH = len(TOKENS) + 5  # the model has more logits than there are tokens


def encode(text: str) -> list[int]:
    return list(text.encode())


def make_llama(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=WIDTH,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=EOS,
        pad_token_id=EOS,
    )
    return LlamaForCausalLM(config).eval()


def make_gpt2() -> Any:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=WIDTH,
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=256,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=EOS,
        pad_token_id=EOS,
    )
    return GPT2LMHeadModel(config)
