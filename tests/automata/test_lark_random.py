"""Random Lark grammars, every parser and lexer: masks against a brute-force mask, texts in any tokenisation."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import lark
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError
from tests.grammar.lark.test_random import oracle, texts
from tests.masks import allowed

LETTERS = "abc "
TOKENS = ["".join(letters).encode() for n in (2, 3) for letters in product(LETTERS, repeat=n)]
TEXTS = ["".join(letters) for n in range(1, 6) for letters in product(LETTERS, repeat=n)]
LEXERS = [("lalr", "contextual"), ("lalr", "basic"), *(("earley", k) for k in ("dynamic", "dynamic_complete", "basic"))]


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    tokens = [*(bytes([b]) for b in range(256)), *TOKENS]
    return Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)


def pieces(text: str, rng: random.Random) -> list[int]:
    """A text as tokens of one, two and three characters."""
    numbers = {token: 256 + k for k, token in enumerate(TOKENS)} | {bytes([b]): b for b in range(256)}
    found, at = [], 0
    while at < len(text):
        n = rng.randint(1, min(3, len(text) - at))
        found.append(numbers[text[at : at + n].encode()])
        at += n
    return found


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(texts(), st.sampled_from(LEXERS), st.integers(0, 2**32 - 1))
def test_masks_and_tokenisations(compiler: Compiler, text: str, options: tuple[Any, Any], seed: int) -> None:
    parser = oracle(text, parser=options[0], lexer=options[1])
    assume(parser is not None)
    assert parser is not None
    try:
        grammar = compiler.lark(text, parser=options[0], lexer=options[1])
    except GrammarError:
        return
    rng = random.Random(seed)
    for candidate in rng.sample(TEXTS, 60):
        matcher, taken = grammar.matcher(), True
        for token in pieces(candidate, rng):
            mask = allowed(matcher)
            if rng.random() < 0.1:
                assert mask == {t for t in range(len(grammar.vocabulary)) if matcher.validate([t])}, (text, candidate)
            taken = token in mask
            assert matcher.accept(token) == taken
            if not taken:
                break
        try:
            parser.parse(candidate)
            expected = True
        except lark.exceptions.UnexpectedInput:
            expected = False
        except (RuntimeError, KeyError):  # Lark does not know what to do with some ambiguities
            continue
        assert (taken and matcher.is_complete()) == expected, (text, candidate)
