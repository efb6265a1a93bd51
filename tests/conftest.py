"""What many tests share: one small vocabulary, and one compiler whose tables stay warm from test to test."""

from __future__ import annotations

import pytest

from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary

from .strategies import tokens


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """Every byte, awkward pieces of JSON, two ends of sequence, padding, and a few logits that are no tokens."""
    listed = tokens()
    return Vocabulary.from_tokens(
        listed, eos=[len(listed) - 3, len(listed) - 2], special={"<pad>": len(listed) - 1}, n=len(listed) + 5
    )


@pytest.fixture(scope="session")
def compiler(vocabulary: Vocabulary) -> Compiler:
    return Compiler(vocabulary)
