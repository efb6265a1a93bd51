"""Fixtures over the tiny random models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import detent

from .tiny import EOS, TOKENS, WIDTH, encode, make_llama

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def vocabulary() -> detent.Vocabulary:
    return detent.Vocabulary.from_tokens(TOKENS, eos=[EOS], n=WIDTH)


@pytest.fixture(scope="session")
def llama() -> Any:
    return make_llama()


@pytest.fixture(scope="session")
def lm(llama: Any, vocabulary: detent.Vocabulary) -> detent.LanguageModel:
    return detent.load(llama, vocabulary, encode=encode)


@pytest.fixture(scope="session")
def plain_lm(llama: Any, vocabulary: detent.Vocabulary) -> detent.LanguageModel:
    """The same model as a bare callable: no cache, no padding."""
    return detent.load(lambda ids: llama(ids).logits[:, -1], vocabulary, encode=encode)


@pytest.fixture
def log_probability(llama: Any) -> Callable[[list[int], list[int]], list[float]]:
    """Log-probability of each token after a prompt, by one plain run of the model."""

    def score(prompt: list[int], tokens: list[int]) -> list[float]:
        with torch.inference_mode():
            laws = llama(torch.tensor([prompt + tokens])).logits[0].log_softmax(-1)
        return [laws[len(prompt) - 1 + i, token].item() for i, token in enumerate(tokens)]

    return score
