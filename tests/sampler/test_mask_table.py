from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.mask_table import MaskTable

SCHEMAS: list[Any] = [
    {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "additionalProperties": False,
    },
    {"type": "object"},  # the keys of the text take tokens out
    {"type": "array", "items": {"enum": [1, 2, "a"]}, "uniqueItems": True},  # suspects
    {"type": "boolean"},
]


def step(matcher: Matcher, mask: np.ndarray, rng: random.Random) -> None:
    """Take a random token, or begin again behind the end."""
    bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
    allowed = np.flatnonzero(bits[: len(matcher.grammar.vocabulary)])
    if len(allowed) == 0:
        assert matcher.is_stopped()
        matcher.reset()
        return
    assert matcher.accept(int(rng.choice(allowed)))


@pytest.mark.parametrize("capacity", [8, 11, 300])
@pytest.mark.parametrize("limits", [Limits(), Limits(cache_bytes=256 << 10)])
def test_rows_are_masks(vocabulary: Vocabulary, capacity: int, limits: Limits) -> None:
    rng, compiler = random.Random(capacity), Compiler(vocabulary, limits=limits)
    matchers = [compiler.json_schema(SCHEMAS[i % len(SCHEMAS)]).matcher() for i in range(8)]
    table, mask = MaskTable(len(vocabulary), capacity), allocate_bitmask(1, len(vocabulary))
    for _ in range(60):
        rows = table.rows(matchers)
        for row, matcher in zip(rows.tolist(), matchers, strict=True):
            matcher.fill_bitmask(mask)
            np.testing.assert_array_equal(table.masks[row].numpy(), mask[0])
            step(matcher, mask[0], rng)


def test_states_seen_before_write_nothing(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    matchers = [Compiler(vocabulary).json_schema(SCHEMAS[0]).matcher() for _ in range(3)]
    table = MaskTable(len(vocabulary), 8)
    before = table.rows(matchers)
    monkeypatch.setattr(MaskTable, "_write", None)
    np.testing.assert_array_equal(table.rows(matchers), before)


def test_equal_states_share_a_row(vocabulary: Vocabulary) -> None:
    grammar = Compiler(vocabulary).json_schema(SCHEMAS[3])
    rows = MaskTable(len(vocabulary), 8).rows([grammar.matcher() for _ in range(5)])
    assert len(set(rows.tolist())) == 1


def test_it_is_applied(vocabulary: Vocabulary) -> None:
    matchers = [Compiler(vocabulary).json_schema(schema).matcher() for schema in SCHEMAS]
    mask = allocate_bitmask(len(matchers), len(vocabulary))
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(mask, row)
    found, expected = torch.zeros(len(matchers), len(vocabulary)), torch.zeros(len(matchers), len(vocabulary))
    MaskTable(len(vocabulary), 4).apply(found, matchers)
    apply_bitmask(expected, mask)
    assert torch.equal(found, expected)


def test_a_batch_must_fit(vocabulary: Vocabulary) -> None:
    grammar = Compiler(vocabulary).json_schema(SCHEMAS[3])
    with pytest.raises(ValueError, match="3 matchers for a table of 2 rows"):
        MaskTable(len(vocabulary), 2).rows([grammar.matcher() for _ in range(3)])
