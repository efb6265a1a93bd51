"""Masks inside strings and keys under automata, against reading every token."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import detent
from detent.native.automaton_pairs import LOOP_FROM

PIECES = ["a", "b", '"', "\\", "u", "é", ":", "0"]
TOKENS = ["".join(spelling) for n in range(1, 5) for spelling in product(PIECES, repeat=n)]
TOKENS += ["a" + "".join(spelling) for spelling in product(PIECES, repeat=4)]
DATA = [
    *(bytes([b]) for b in range(256)),
    *(token.encode() for token in TOKENS if len(token.encode()) > 1),
    *(b"a\xc3", b"\xa9b", b"\xc3\xa9\xc3", b"a" * 40 + b'"', b"<eos>"),
]
PATTERNS = [
    "^a(b|é)*$",
    "^[^b]+b",
    "ab|bé",
    "^(ab|ba){2,40}$",
    "^[ab]{1,64}:",
    "^[a-zé]{3}(:[a-zé]{3})*$",
    "^(?=.*a)(?=.*b)[^0]*$",
    "^\\u0000*a",
    "^(?:[^:]+:+){0,4}[^:]+$",  # a loop of few characters, and a larger one behind it
    "^(?:[ab]+é+){0,4}[ab]+$",
]
BEGUN = ["", "a", "ab", "abab", "aé", "abé:", "ab\\", "\\u00", "aaa:aaa", b"a\xc3"]


@pytest.fixture(scope="module")
def compiler() -> detent.Compiler:
    """A vocabulary with nodes below which a loop set is worth its table, and with others."""
    assert sum(token.startswith("a") for token in TOKENS) > LOOP_FROM > sum(token.startswith("ba") for token in TOKENS)
    return detent.Compiler(detent.Vocabulary.from_tokens(DATA, eos=[len(DATA) - 1]))


def check(compiler: detent.Compiler, schema: Any, before: bytes, most: int) -> None:
    """Compare the mask after every beginning that is allowed with what each token by itself leads to."""
    grammar = compiler.json_schema(schema)
    mask = detent.allocate_bitmask(1, len(DATA))
    seen = 0
    for text in BEGUN:
        matcher = grammar.matcher()
        if not matcher.accept_bytes(before + (text if isinstance(text, bytes) else text.encode())):
            continue
        matcher.fill_bitmask(mask)
        masked = set(np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")).tolist())
        assert masked == {token for token in range(len(DATA)) if matcher.validate([token])}, text
        seen += 1
    assert seen >= most


@pytest.mark.parametrize("pattern", PATTERNS)
def test_strings(compiler: detent.Compiler, pattern: str) -> None:
    """Of a pattern alone, and in an array, behind whose strings other things come."""
    check(compiler, {"type": "string", "pattern": pattern}, b'"', 1)
    check(compiler, {"items": {"type": "string", "pattern": pattern}, "type": "array"}, b'["', 1)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_keys(compiler: detent.Compiler, pattern: str) -> None:
    """Of names under a pattern alone, with different values, beside listed ones, and where others are free."""
    closed = {"type": "object", "patternProperties": {pattern: {"type": "null"}}, "additionalProperties": False}
    check(compiler, closed, b'{"', 1)
    two = {pattern: {"type": "boolean"}, "^a": {"type": ["boolean", "null"]}}
    check(compiler, {**closed, "patternProperties": two, "properties": {"ab": {}, "b:": False}}, b'{"', 1)
    check(compiler, {"type": "object", "patternProperties": {pattern: {"type": "integer"}}}, b'{"', 5)
