"""Sparse tables as combs, and the tables of parsers that lie in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.automata.arena import Arena
from detent.automata.lexed import _place_parser
from detent.automata.vocabulary import Vocabulary
from detent.grammar.lark.compile import compile_lark
from detent.native import combs, stacks
from tests.grammar.lark.cases import CASES

VOCABULARY = Vocabulary.from_tokens([bytes([i]) for i in range(256)])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.sets(st.integers(0, 40)), min_size=1, max_size=90))
def test_no_two_entries_meet(rows: list[set[int]]) -> None:
    first = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    column = np.array([c for row in rows for c in sorted(row)], np.int32)
    size, place = combs.pack(first, column, np.argsort(-np.diff(first)).astype(np.int32), 41)
    table = np.full(size, -1)
    for row, at in zip(rows, place, strict=True):
        for c in row:
            assert table[at + c] == -1
            table[at + c] = c
    for row, at in zip(rows, place, strict=True):
        assert {c for c in range(41) if table[at + c] == c} == row


def test_dense_rows_leave_no_holes() -> None:
    n = 2000
    first, column = np.arange(0, 50 * n + 1, 50, dtype=np.int32), np.tile(np.arange(50, dtype=np.int32), n)
    size, _ = combs.pack(first, column, np.arange(n, dtype=np.int32), 50)
    assert size == 50 * n


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 6).flatmap(lambda n: st.lists(st.lists(st.integers(-2, 1), min_size=n, max_size=n), max_size=40)))
def test_different_rows_and_their_comb(rows: list[list[int]]) -> None:
    table = np.array(rows, np.int32).reshape(len(rows), len(rows[0]) if rows else 3)
    number, kept = combs.distinct(table)
    assert [rows[kept[k]] for k in number] == rows
    assert kept.tolist() == [i for i, row in enumerate(rows) if row not in rows[:i]]
    entries, place = combs.comb(table, -1)
    for row, at in zip(table.tolist(), place.tolist(), strict=True):
        found = {c: entries[2 * (at + c) + 1] for c in range(len(row)) if entries[2 * (at + c)] == c}
        assert found == {c: value for c, value in enumerate(row) if value != -1}
    assert len(set(place.tolist())) == len(kept)


@pytest.mark.parametrize("name", CASES)
def test_tables_in_an_arena(name: str) -> None:
    """What kernels look up is what the tables say."""
    case = CASES[name]
    grammar = compile_lark(case.grammar, lexer_kind=case.options.get("lexer", "contextual"))
    arena, parser = Arena(VOCABULARY, 1 << 24), grammar.parser
    at = _place_parser(arena, grammar, 0)
    for s in range(len(parser.action)):
        assert [stacks.action_on(arena.A, at, s, t) for t in range(parser.action.shape[1])] == parser.action[s].tolist()
        assert [stacks.goto(arena.A, at, s, b) for b in range(parser.goto.shape[1])] == parser.goto[s].tolist()
