"""Sorting in an arena, against Python's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.native import arena as layout
from detent.native import fronts, suffixes
from detent.native.trie import V_BYTE

QUICK = settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def arena() -> np.ndarray:
    return layout.allocate(1 << 20, 100)


@QUICK
@given(lists=st.lists(st.lists(st.integers(0, 50), max_size=12).map(sorted), max_size=9), mixed=st.lists(st.integers()))
def test_unions_of_lists_in_order(arena: np.ndarray, lists: list[list[int]], mixed: list[int]) -> None:
    words = [*(word for part in lists for word in part), *(word % 99 for word in mixed)]
    base = int(arena[layout.SORT])
    arena[base : base + len(words) + 1] = [*words, -7]
    suffixes.sort_words(arena, base, len(words))
    assert arena[base : base + len(words) + 1].tolist() == [*sorted(words), -7]


def test_more_than_there_is_room_for(arena: np.ndarray) -> None:
    suffixes.sort_words(arena, int(arena[layout.SORT]), int(arena[layout.RUNS + 1]) + 1)
    assert arena[layout.STATUS] == layout.FULL
    arena[layout.STATUS] = 0


@QUICK
@given(bytes_=st.lists(st.integers(0, 255), min_size=1, max_size=48))
def test_edges_by_byte(arena: np.ndarray, bytes_: list[int]) -> None:
    """Few are sorted one by one, many by counting: both keep the order of those with one byte."""
    n, first = len(bytes_), 100
    vocabulary = np.zeros(first + n, np.int32)
    vocabulary[V_BYTE], vocabulary[first:] = first, bytes_
    nodes = np.random.default_rng(n).permutation(n).tolist()
    pool, source = int(arena[layout.SORT]), int(arena[layout.EXITS])
    arena[source : source + n] = nodes
    suffixes._sort_by_byte(arena, vocabulary, source, n, pool)
    assert arena[pool : pool + n].tolist() == sorted(nodes, key=lambda node: bytes_[node])

    half = pool + int(arena[layout.SORT + 1]) // 2
    rows = [[k, k + 1, k + 2, b] for k, b in enumerate(bytes_)]
    arena[half : half + fronts.ROW * n] = np.ravel(rows)
    assert fronts._sort_by_byte(arena, n) == len(set(bytes_))
    assert arena[pool : pool + fronts.ROW * n].reshape(n, -1).tolist() == sorted(rows, key=lambda row: row[3])
